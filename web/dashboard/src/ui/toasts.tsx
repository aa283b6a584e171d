/** Short notes at the edge of the page. They take no focus, are read out politely, and go by themselves. */

import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from "react";
import { Button } from "./controls.tsx";
import { Icon } from "./icon.tsx";

/** What a note says. */
export interface Toast {
  text: string;
  /** Small print under it, such as why it came. */
  note?: string | undefined;
  tone?: "neutral" | "good" | "bad" | "warn";
  action?: { label: string; run: () => void } | undefined;
  /** Milliseconds until it goes; 0: only when closed. Default 8000. It stays while it is hovered or has the focus. */
  lasts?: number;
}

type Show = (toast: Toast) => void;
const Context = createContext<Show>(() => undefined);
const MOST = 3;

/** Shows a note. */
export function useToast(): Show {
  return useContext(Context);
}

export function ToastProvider({ children }: { children: ReactNode }): ReactNode {
  const [toasts, setToasts] = useState<(Toast & { id: number })[]>([]);
  const next = useRef(0);
  const show = useCallback<Show>((toast) => {
    const id = next.current++;
    setToasts((shown) => [...shown, { ...toast, id }].slice(-MOST));
  }, []);
  const close = useCallback((id: number) => setToasts((shown) => shown.filter((toast) => toast.id !== id)), []);
  const list = useMemo(
    () => toasts.map((toast) => <Note key={toast.id} toast={toast} onClose={() => close(toast.id)} />),
    [toasts, close],
  );
  return (
    <Context.Provider value={show}>
      {children}
      <div className="toasts" role="status" aria-label="Notes">
        {list}
      </div>
    </Context.Provider>
  );
}

function Note({ toast, onClose }: { toast: Toast; onClose: () => void }): ReactNode {
  const { text, note, tone = "neutral", action, lasts = 8000 } = toast;
  const [held, setHeld] = useState(false);
  const done = useRef(onClose);
  done.current = onClose;
  useEffect(() => {
    if (held || !lasts) return undefined;
    const timer = setTimeout(() => done.current(), lasts);
    return () => clearTimeout(timer);
  }, [held, lasts]);
  const hold = { onMouseEnter: () => setHeld(true), onMouseLeave: () => setHeld(false) };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only waits while somebody reads it
    <div className={`toast toast-${tone}`} {...hold} onFocus={() => setHeld(true)} onBlur={() => setHeld(false)}>
      <div className="toast-text">
        <p>{text}</p>
        {note && <small>{note}</small>}
        {action && (
          <Button
            kind="quiet"
            onClick={() => {
              action.run();
              onClose();
            }}
          >
            {action.label}
          </Button>
        )}
      </div>
      <Button kind="icon" aria-label="Dismiss" onClick={onClose}>
        <Icon name="close" />
      </Button>
    </div>
  );
}
