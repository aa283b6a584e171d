/** The Practice view. */

import type { ReactNode } from "react";

export default function Practice(): ReactNode {
  return (
    <main className="view" id="main">
      <h1>Practice</h1>
    </main>
  );
}
