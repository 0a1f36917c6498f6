// SPDX-License-Identifier: MIT
const { expect, test } = require("@playwright/test");

test("passes @smoke", async () => {
  console.log("hello from the test");
});
test.describe("basket", () => {
  test("fails", async () => {
    expect(1, "one <is> two").toBe(2);
  });
  test("is flaky", async ({}, info) => {
    expect(info.retry).toBe(1);
  });
});
test.skip("is skipped", async () => {});
test("fails as expected", async () => {
  test.fail();
  expect(1).toBe(2);
});
test("hangs", async ({}, info) => {
  test.setTimeout(200);
  if (info.project.name === "mobile") await new Promise(() => {});
});
test("attaches", async ({}, info) => {
  await info.attach("note.txt", { body: "a note", contentType: "text/plain" });
});
