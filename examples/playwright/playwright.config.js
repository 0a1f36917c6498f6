// SPDX-License-Identifier: MIT
const { defineConfig } = require("@playwright/test");

// The browser of the distribution: Playwright's own would have to be downloaded. BROWSER_PATH
// names another one.
const executablePath = process.env.BROWSER_PATH || "/usr/bin/chromium";

module.exports = defineConfig({
  testDir: "tests",
  workers: 1,
  timeout: 30_000,
  projects: [
    {
      name: "chromium",
      use: {
        launchOptions: {
          executablePath,
          args: [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
          ],
        },
      },
    },
  ],
});
