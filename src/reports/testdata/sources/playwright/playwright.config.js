// SPDX-License-Identifier: MIT
// What the captured Playwright reports were made from (capture.sh). No test opens a browser.
module.exports = { testDir: "tests", retries: 1, workers: 1, projects: [{ name: "chromium" }, { name: "mobile" }] };
