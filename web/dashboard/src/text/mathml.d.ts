/** MathML elements, which React's types leave out. */

import type { Attributes, HTMLAttributes } from "react";

type MathElement = Attributes & HTMLAttributes<Element> & { mathvariant?: string };

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      math: MathElement;
      mfrac: MathElement;
      mi: MathElement;
      mn: MathElement;
      mo: MathElement;
      mroot: MathElement;
      mrow: MathElement;
      msqrt: MathElement;
      msup: MathElement;
    }
  }
}
