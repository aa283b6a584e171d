/** A modal dialog: the browser's own, which keeps the focus inside, ends with Escape and gives the focus back. */

import { type ReactNode, useEffect, useId, useRef } from "react";
import { Button } from "./controls.tsx";
import { Icon } from "./icon.tsx";

/** Properties of `Dialog`. */
export interface DialogProps {
  title: string;
  open: boolean;
  onClose: () => void;
  /** At the edge of a wide page, instead of its middle. */
  side?: boolean;
  children: ReactNode;
}

export function Dialog({ title, open, onClose, side = false, children }: DialogProps): ReactNode {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = element.current;
    if (!dialog || dialog.open === open) return;
    if (open) dialog.showModal();
    else dialog.close();
  }, [open]);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape is the keyboard's way, and the dialog's own
    <dialog
      ref={element}
      className={side ? "dialog dialog-side" : "dialog"}
      aria-labelledby={id}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === event.currentTarget) onClose(); // the backdrop
      }}
    >
      {open && (
        <div className="dialog-body">
          <header className="card-head">
            <h2 id={id}>{title}</h2>
            <Button kind="icon" aria-label="Close" onClick={onClose}>
              <Icon name="close" />
            </Button>
          </header>
          {children}
        </div>
      )}
    </dialog>
  );
}
