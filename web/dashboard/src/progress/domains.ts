/** The test's sections, domains and skills, as `bonsai_core.domain` has them; a test holds the two together. */

/** A section of the test. */
export interface Section {
  name: string;
  domains: readonly { name: string; skills: readonly string[] }[];
}

export const SECTIONS: readonly Section[] = [
  {
    name: "Reading and Writing",
    domains: [
      { name: "Information and Ideas", skills: ["Central Ideas and Details", "Inferences", "Command of Evidence"] },
      {
        name: "Craft and Structure",
        skills: ["Words in Context", "Text Structure and Purpose", "Cross-Text Connections"],
      },
      { name: "Expression of Ideas", skills: ["Rhetorical Synthesis", "Transitions"] },
      { name: "Standard English Conventions", skills: ["Boundaries", "Form, Structure, and Sense"] },
    ],
  },
  {
    name: "Math",
    domains: [
      {
        name: "Algebra",
        skills: [
          "Linear equations in one variable",
          "Linear functions",
          "Linear equations in two variables",
          "Systems of two linear equations in two variables",
          "Linear inequalities in one or two variables",
        ],
      },
      {
        name: "Advanced Math",
        skills: [
          "Nonlinear functions",
          "Nonlinear equations in one variable and systems of equations in two variables",
          "Equivalent expressions",
        ],
      },
      {
        name: "Problem-Solving and Data Analysis",
        skills: [
          "Ratios, rates, proportional relationships, and units",
          "Percentages",
          "One-variable data: Distributions and measures of center and spread",
          "Two-variable data: Models and scatterplots",
          "Probability and conditional probability",
          "Inference from sample statistics and margin of error",
          "Evaluating statistical claims: Observational studies and experiments",
        ],
      },
      {
        name: "Geometry and Trigonometry",
        skills: ["Area and volume", "Lines, angles, and triangles", "Right triangles and trigonometry", "Circles"],
      },
    ],
  },
];

/** The lowest and highest scores of a section, and of the whole test. */
export const SECTION_RANGE = [200, 800] as const;
export const TOTAL_RANGE = [400, 1600] as const;
