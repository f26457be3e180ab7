// Prints Lighthouse's report on a page, as one who has signed in sees it from an empty browser.
// node judge.js '{"url": …, "cookies": [{"name", "value", "url"}], "chromium": …, "flags": […], "device": …, "only": […]}'
import lighthouse, { desktopConfig } from "lighthouse";
import puppeteer from "puppeteer-core";

const { url, cookies, chromium, flags, device, only } = JSON.parse(process.argv[2]);
const browser = await puppeteer.launch({ executablePath: chromium, args: flags, headless: true });
try {
  const page = await browser.newPage();
  await page.setCookie(...cookies);
  const config = device === "desk" ? desktopConfig : undefined;
  const { lhr } = await lighthouse(url, { onlyCategories: only, logLevel: "silent" }, config, page);
  console.log(JSON.stringify(lhr));
} finally {
  await browser.close();
}
