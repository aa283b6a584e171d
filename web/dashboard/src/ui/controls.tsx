/** Button, Badge, Card, Segments, Meter: what views are made of. Their look is in ui.css. */

import { type ComponentProps, type HTMLAttributes, type ReactNode, useId } from "react";

/** Properties of `Button`. */
export interface ButtonProps extends ComponentProps<"button"> {
  /** `primary`: the one next step; `quiet`: no frame; `icon`: a square, which needs an `aria-label`. */
  kind?: "primary" | "plain" | "quiet" | "icon";
}

export function Button({ kind = "plain", className = "", ...rest }: ButtonProps): ReactNode {
  return <button type="button" {...rest} className={`button button-${kind} ${className}`.trim()} />;
}

/** Properties of `Badge`. */
export interface BadgeProps {
  tone?: "neutral" | "accent" | "good" | "bad" | "warn";
  children: ReactNode;
}

/** A few words or a number that mark something. */
export function Badge({ tone = "neutral", children }: BadgeProps): ReactNode {
  return <span className={`badge badge-${tone}`}>{children}</span>;
}

/** Properties of `Card`. */
export interface CardProps extends Omit<HTMLAttributes<HTMLElement>, "title"> {
  /** Its heading, which names it as a region. */
  title?: ReactNode;
  /** At the right of the heading. */
  aside?: ReactNode;
}

/** A framed part of a view. */
export function Card({ title, aside, className = "", children, ...rest }: CardProps): ReactNode {
  const id = useId();
  return (
    <section {...rest} className={`card ${className}`.trim()} aria-labelledby={title ? id : undefined}>
      {title && (
        <header className="card-head">
          <h2 id={id}>{title}</h2>
          {aside}
        </header>
      )}
      {children}
    </section>
  );
}

/** Properties of `Segments`. */
export interface SegmentsProps<T extends string> {
  /** What is chosen, for screen readers. */
  label: string;
  options: readonly { value: T; label: string }[];
  value: T;
  onChange: (value: T) => void;
  disabled?: boolean;
}

/** One of a few: radio buttons that look like a switch. */
export function Segments<T extends string>(props: SegmentsProps<T>): ReactNode {
  const { label, options, value, onChange, disabled = false } = props;
  const name = useId();
  return (
    <fieldset className="segments" disabled={disabled}>
      <legend className="sr-only">{label}</legend>
      {options.map((option) => (
        <label key={option.value} data-on={option.value === value}>
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          {option.label}
        </label>
      ))}
    </fieldset>
  );
}

/** Properties of `Meter`. */
export interface MeterProps {
  label: string;
  /** 0 to 1; undefined while it is unknown. */
  value: number | undefined;
  tone?: "accent" | "warn" | "bad";
}

/** How far something is. */
export function Meter({ label, value, tone = "accent" }: MeterProps): ReactNode {
  return (
    <progress className={`meter meter-${tone}`} aria-label={label} max={1} {...(value !== undefined && { value })} />
  );
}
