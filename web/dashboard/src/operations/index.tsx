/** The Operations view. */

import type { ReactNode } from "react";

export default function Operations(): ReactNode {
  return (
    <main className="view" id="main">
      <h1>Operations</h1>
    </main>
  );
}
