/** A figure: an SVG document, shown as an image, in which nothing runs and nothing is loaded; drawn in the page's text colour. */

import { type ReactNode, useMemo } from "react";

/** What is shown of an SVG document. */
export interface Drawing {
  /** A `data:` address. */
  url: string;
  /** Its title and description, for those who do not see it. */
  alt: string;
  width: number;
  height: number;
}

/** The drawing of an SVG document in a colour; undefined when it is no SVG with a viewBox. */
export function drawingOf(svg: string, color: string): Drawing | undefined {
  const document = new DOMParser().parseFromString(svg, "image/svg+xml");
  const root = document.documentElement;
  const box = (root.getAttribute("viewBox") ?? "").split(/[\s,]+/).map(Number);
  const [, , width = 0, height = 0] = box;
  if (root.nodeName !== "svg" || box.length !== 4 || !(width > 0 && height > 0)) return undefined;
  root.setAttribute("color", color);
  root.setAttribute("width", `${width}`);
  root.setAttribute("height", `${height}`);
  const words = ["title", "desc"].map((name) => root.querySelector(`:scope > ${name}`)?.textContent?.trim());
  const url = `data:image/svg+xml,${encodeURIComponent(new XMLSerializer().serializeToString(root))}`;
  return { url, alt: words.filter(Boolean).join(". ") || "Figure", width, height };
}

/** A question's figure, in both themes' colours: CSS shows the one that fits. */
export function Figure({ svg }: { svg: string }): ReactNode {
  const light = useMemo(() => drawingOf(svg, "#1a211d"), [svg]);
  const dark = useMemo(() => drawingOf(svg, "#ebf0ec"), [svg]);
  if (!light || !dark) return <p className="soft">This question has a figure that cannot be shown.</p>;
  const { alt, width, height } = light;
  return (
    <figure className="figure">
      <img className="only-light" src={light.url} alt={alt} width={width} height={height} />
      <img className="only-dark" src={dark.url} alt={alt} width={width} height={height} />
    </figure>
  );
}
