/** The Progress view. */

import type { ReactNode } from "react";

export default function Progress(): ReactNode {
  return (
    <main className="view" id="main">
      <h1>Progress</h1>
    </main>
  );
}
