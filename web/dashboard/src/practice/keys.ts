/** Single keys: A to D choose, Shift with them crosses out, H asks for a hint, Enter goes on. Off while something is typed. */

import { useEffect, useRef } from "react";

/** What keys do. */
export interface Keys {
  choose: (key: string) => void;
  strike: (key: string) => void;
  hint: () => void;
  enter: () => void;
}

const OFF = "bonsai.keys";

/** Whether single keys are in use: some people's tools type letters by accident. */
export function keysAreOn(): boolean {
  return localStorage.getItem(OFF) !== "off";
}

/** Switch single keys on or off, in this browser. */
export function setKeys(on: boolean): void {
  localStorage.setItem(OFF, on ? "on" : "off");
}

export function useKeys(keys: Keys): void {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
      if (target.closest("dialog, textarea, select, input:not([type=radio]), [contenteditable]")) return;
      if (event.key === "Enter") {
        if (target.closest("button, a, summary")) return; // its own
        event.preventDefault();
        current.current.enter();
        return;
      }
      if (!keysAreOn()) return;
      const letter = event.key.toUpperCase();
      if (/^[A-D]$/.test(letter)) {
        if (event.shiftKey) current.current.strike(letter);
        else current.current.choose(letter);
      } else if (letter === "H") current.current.hint();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
}
