/** Signs in, then shows the page with its one live connection; a form where somebody has to say who they are. */

import { BonsaiProvider } from "@bonsai/react";
import { createContext, type FormEvent, type ReactNode, useContext, useEffect, useState } from "react";
import { hrefOf, routeOf } from "../router.ts";
import { Button, Card } from "../ui/index.ts";
import { invitationOf } from "./address.ts";
import { Host } from "./host.ts";
import { type PageConfig, pageConfig } from "./server.ts";
import { byDemo, type Session, signInAlone } from "./sign-in.ts";

const Context = createContext<Session | undefined>(undefined);

/** Who is signed in. */
export function useSession(): Session {
  const session = useContext(Context);
  if (!session) throw new Error("nobody is signed in here");
  return session;
}

type State =
  | { step: "starting" }
  | { step: "asking"; problem?: string }
  | { step: "refused"; problem: string }
  | { step: "in"; session: Session };

export function SessionProvider({ children }: { children: ReactNode }): ReactNode {
  const [state, setState] = useState<State>({ step: "starting" });
  useEffect(() => {
    let current = true;
    const begin = async (): Promise<void> => {
      const next = await started().catch((error: Error): State => ({ step: "refused", problem: error.message }));
      if (current) setState(next);
    };
    const joined = (): void => {
      if (invitationOf(location.hash)) location.reload(); // a link to another session, opened in this tab
    };
    void begin();
    addEventListener("hashchange", joined);
    return () => {
      current = false;
      removeEventListener("hashchange", joined);
    };
  }, []);

  if (state.step === "starting") return <main className="doorway" aria-busy="true" />;
  if (state.step === "refused") return <Refused problem={state.problem} />;
  if (state.step === "asking") {
    const enter = (session: Session): void => setState({ step: "in", session });
    return <DemoForm onEnter={enter} />;
  }
  return (
    <Context.Provider value={state.session}>
      <BonsaiProvider config={state.session.config}>{children}</BonsaiProvider>
    </Context.Provider>
  );
}

let starting: Promise<State> | undefined;

/** Once a page, also in StrictMode: a host is greeted and an invitation taken out of the address only once. */
function started(): Promise<State> {
  starting ??= start();
  return starting;
}

async function start(): Promise<State> {
  const invitation = invitationOf(location.hash);
  if (invitation) history.replaceState(null, "", hrefOf(routeOf(`#/${invitation.view ?? ""}`)));
  const config: PageConfig = await pageConfig().catch(() => {
    throw new Error("The server does not answer. Is it running? Reload to try again.");
  });
  const session = await signInAlone(config, invitation, Host.find(config.hosts));
  if (session) return { step: "in", session };
  if (config.dev) return { step: "asking" };
  return { step: "refused", problem: "Open this page from the application in which you are signed in." };
}

function Refused({ problem }: { problem: string }): ReactNode {
  return (
    <main className="doorway">
      <Card title="Not signed in">
        <p role="alert">{problem}</p>
        <Button kind="primary" onClick={() => location.reload()}>
          Try again
        </Button>
      </Card>
    </main>
  );
}

function DemoForm({ onEnter }: { onEnter: (session: Session) => void }): ReactNode {
  const [name, setName] = useState("");
  const [admin, setAdmin] = useState(false);
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);
  const enter = (event: FormEvent): void => {
    event.preventDefault();
    setBusy(true);
    byDemo({ userId: name.trim(), roles: admin ? ["student", "admin"] : ["student"] }).then(onEnter, (error: Error) => {
      setProblem(error.message);
      setBusy(false);
    });
  };
  return (
    <main className="doorway">
      <form onSubmit={enter}>
        <Card>
          <img className="doorway-mark" src="./icon.svg" alt="" width="48" height="48" />
          <h1>Practise with Bonsai</h1>
          <p className="soft">This is a demonstration: any name will do, and no password.</p>
          <label className="field">
            Your name
            <input
              required
              maxLength={64}
              autoComplete="username"
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          </label>
          <label className="check">
            <input type="checkbox" checked={admin} onChange={(event) => setAdmin(event.target.checked)} />
            Show me the server too (role admin)
          </label>
          {problem && <p role="alert">{problem}</p>}
          <Button kind="primary" type="submit" disabled={busy || !name.trim()}>
            Start
          </Button>
        </Card>
      </form>
    </main>
  );
}
