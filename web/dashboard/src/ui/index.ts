/** The parts that all views are made of. */

export {
  Badge,
  type BadgeProps,
  Button,
  type ButtonProps,
  Card,
  type CardProps,
  Meter,
  type MeterProps,
  Segments,
  type SegmentsProps,
} from "./controls.tsx";
export { Dialog, type DialogProps } from "./dialog.tsx";
export { Icon, type IconName } from "./icon.tsx";
export { type Toast, ToastProvider, useToast } from "./toasts.tsx";
