/** `npm run icons -w @bonsai/extension`: draws public/icons/*.png from icon.svg, by a headless Chromium (CHROMIUM names it). */

import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../public/icons/", import.meta.url));
const svg = readFileSync(`${folder}icon.svg`, "utf8");
const page = `${folder}page.html`;

for (const size of [16, 32, 48, 128]) {
  writeFileSync(page, `<style>body{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${svg}`);
  execFileSync(
    process.env.CHROMIUM ?? "chromium",
    [
      "--headless=new",
      "--no-sandbox",
      "--hide-scrollbars",
      "--default-background-color=00000000",
      `--window-size=${size},${size}`,
      `--screenshot=${folder}${size}.png`,
      page,
    ],
    { stdio: "ignore" },
  );
}
rmSync(page);
