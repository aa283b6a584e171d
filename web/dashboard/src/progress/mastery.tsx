/** Mastery of every skill of the test, with its interval: tables, so that they read well without the bars. */

import type { Payloads } from "@bonsai/client";
import { type ReactNode, useState } from "react";
import { Badge, Card, Segments } from "../ui/index.ts";
import {
  type DomainRows,
  masteryRows,
  masteryWord,
  type Order,
  percent,
  type SectionRows,
  type SkillRow,
} from "./figures.ts";

const ORDERS = [
  { value: "test", label: "As on the test" },
  { value: "weakest", label: "Weakest first" },
] as const;
const WORDS = { strong: "strong", steady: "steady", shaky: "to work on", open: "not sure yet" } as const;

export function Mastery({ bySkill }: { bySkill: Record<string, Payloads.AnalyticsSkillMastery> }): ReactNode {
  const [order, setOrder] = useState<Order>("test");
  return (
    <section className="mastery" aria-labelledby="mastery">
      <header className="section-head">
        <div>
          <h2 id="mastery">Mastery by skill</h2>
          <p className="small soft">
            The chance of a right answer to a question of middling difficulty; the bar is where it lies four times out
            of five.
          </p>
        </div>
        <Segments label="Order of skills" options={ORDERS} value={order} onChange={setOrder} />
      </header>
      <div className="columns">
        {masteryRows(bySkill, order).map((section) => (
          <SectionTable key={section.section} section={section} />
        ))}
      </div>
    </section>
  );
}

function SectionTable({ section: { section, domains, practised, skills } }: { section: SectionRows }): ReactNode {
  return (
    <Card
      title={section}
      aside={
        <Badge>
          {practised} of {skills} practised
        </Badge>
      }
    >
      <table className="skills">
        <thead className="sr-only">
          <tr>
            <th scope="col">Skill</th>
            <th scope="col">Mastery</th>
            <th scope="col">Answers</th>
          </tr>
        </thead>
        {domains.map((domain) => (
          <Domain key={domain.domain} {...domain} />
        ))}
      </table>
    </Card>
  );
}

function Domain({ domain, rows }: DomainRows): ReactNode {
  return (
    <tbody>
      <tr className="skills-domain">
        <th scope="rowgroup" colSpan={3}>
          {domain}
        </th>
      </tr>
      {rows.map((row) => (
        <Skill key={row.skill} {...row} />
      ))}
    </tbody>
  );
}

function Skill({ skill, known }: SkillRow): ReactNode {
  if (!known) {
    return (
      <tr className="skills-unknown" data-skill={skill}>
        <th scope="row">{skill}</th>
        <td colSpan={2}>not practised yet</td>
      </tr>
    );
  }
  const { mastery, low, high, answered } = known;
  const word = masteryWord(known);
  return (
    <tr data-skill={skill}>
      <th scope="row">
        {skill}
        {word === "shaky" && <Badge tone="warn">{WORDS.shaky}</Badge>}
      </th>
      <td className="skills-bar">
        <span className="skills-track" aria-hidden="true">
          <i className={`skills-range range-${word}`} style={{ left: percentOf(low), width: percentOf(high - low) }} />
          <i className={`skills-dot range-${word}`} style={{ left: percentOf(mastery) }} />
        </span>
        <span className="skills-value">
          <b>{percent(mastery)}</b>
          <span className="sr-only">
            , {WORDS[word]}, between {percent(low)} and {percent(high)}
          </span>
        </span>
      </td>
      <td className="number soft">
        {answered} <span className="sr-only">answers</span>
      </td>
    </tr>
  );
}

function percentOf(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}
