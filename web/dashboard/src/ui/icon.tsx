/** The page's icons, drawn with one stroke in the colour of the text. They are decoration: name what they stand on. */

import type { ReactNode } from "react";

const PATHS = {
  arrow: "M5 12h14M13 6l6 6-6 6",
  camera: "M4 8h3l2-3h6l2 3h3v11H4zM12 16.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z",
  check: "M5 12.5l4.5 4.5L19 7",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3 2",
  close: "M6 6l12 12M18 6L6 18",
  coach: "M4 5h16v11H9l-5 4z",
  copy: "M9 9h11v11H9zM5 15V4h11",
  devices: "M3 5h13v9H3zM6 18h7M17 9h4v10h-4z",
  hint: "M9 18h6M10 21h4M12 3a6 6 0 0 1 3.5 10.9V15h-7v-1.1A6 6 0 0 1 12 3z",
  moon: "M20 14.5A8 8 0 0 1 9.5 4a8 8 0 1 0 10.500 10.500z",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2v2.500M12 19.500V22M2 12h2.500M19.500 12H22M5 5l1.700 1.700M17.300 17.300L19 19M19 5l-1.700 1.700M6.700 17.300L5 19",
  strike:
    "M4 12h16M8 7.500C8.500 5.500 10 4.500 12 4.500c2.300 0 4 1.200 4 3M8 16.500c.5 2 2 3 4 3 2.300 0 4-1.200 4-3.500",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }): ReactNode {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
