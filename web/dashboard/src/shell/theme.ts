/** Light or dark: as the system, until somebody chooses. The choice is set by /theme.js before anything is drawn. */

import { useState } from "react";

type Theme = "light" | "dark";

function current(): Theme {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** The theme, and how to change to the other one. */
export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState(current);
  const toggle = (): void => {
    const next = current() === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    localStorage.setItem("bonsai.theme", next);
    setTheme(next);
  };
  return [theme, toggle];
}
