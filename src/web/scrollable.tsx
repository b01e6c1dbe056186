import type { ComponentChildren } from "preact";

/** Scrolls sideways by itself where it is wider than the page; the keyboard can reach it to do so. */
export const Scrollable = ({ label, children }: { label: string; children: ComponentChildren }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must take the focus to be scrolled by keys
  <section class="wide" aria-label={label} tabIndex={0}>
    {children}
  </section>
);
