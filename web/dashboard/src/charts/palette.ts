/** The theme's colours for canvases, which know no custom properties: read anew when the theme changes. */

import { useEffect, useState } from "react";

/** A colour of theme.css, without its dashes. */
export type Tone =
  | "accent"
  | "good"
  | "bad"
  | "warn"
  | "text"
  | "text-soft"
  | "line"
  | "series-2"
  | "series-3"
  | "series-4";

/** Gives a colour as canvases understand it; `alpha` 0..1. */
export type Palette = (tone: Tone, alpha?: number) => string;

/** The colours of the theme that is shown. */
export function readPalette(): Palette {
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const known = new Map<string, string>();
  const read = (tone: Tone): string => {
    document.body.append(probe);
    probe.style.color = `var(--${tone})`;
    const color = getComputedStyle(probe).color;
    probe.remove();
    return color;
  };
  probe.remove();
  return (tone, alpha = 1) => {
    const color = known.get(tone) ?? read(tone);
    known.set(tone, color);
    return alpha === 1 ? color : withAlpha(color, alpha);
  };
}

/** A computed colour, `rgb(1, 2, 3)`, made transparent. */
export function withAlpha(color: string, alpha: number): string {
  const parts = /^rgba?\((\d+)[, ]+(\d+)[, ]+(\d+)/.exec(color);
  return parts ? `rgba(${parts[1]}, ${parts[2]}, ${parts[3]}, ${alpha})` : color;
}

/** The palette, which changes with the theme. */
export function usePalette(): Palette {
  const [palette, setPalette] = useState(() => readPalette());
  useEffect(() => {
    const read = (): void => setPalette(() => readPalette());
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const observer = new MutationObserver(read);
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    dark.addEventListener("change", read);
    return () => {
      observer.disconnect();
      dark.removeEventListener("change", read);
    };
  }, []);
  return palette;
}
