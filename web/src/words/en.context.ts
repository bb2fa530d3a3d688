/** Context questions: field, question and the answers in the order of the keys. */
export type ContextField =
  | 'purpose'
  | 'prior_ct'
  | 'lungs_fully_evaluable'
  | 'inflammatory_infectious_suspected'
  | 'known_lung_cancer'
  | 'known_cancer'
  | 'significant_other_finding'
  | 'significant_other_finding_known'
  | 'immunosuppressed'
  | 'risk'
  | 'age_years'

const yesNo = [
  { value: 'true', label: 'Yes' },
  { value: 'false', label: 'No' },
]

export const context = {
  fields: {
    purpose: {
      label: 'Purpose',
      options: [
        { value: 'screening_ldct', label: 'Screening' },
        { value: 'incidental', label: 'Incidental' },
        { value: 'other', label: 'Other' },
      ],
    },
    prior_ct: {
      label: 'Prior CT',
      options: [
        { value: 'none', label: 'None' },
        { value: 'available', label: 'Available' },
        { value: 'being_located', label: 'Locating' },
      ],
    },
    known_lung_cancer: { label: 'Known lung cancer', options: yesNo },
    known_cancer: { label: 'Any known cancer', options: yesNo },
    lungs_fully_evaluable: { label: 'Lungs fully evaluable', options: yesNo },
    inflammatory_infectious_suspected: { label: 'Inflammation or infection suspected', options: yesNo },
    significant_other_finding: { label: 'S: other significant finding', options: yesNo },
    significant_other_finding_known: { label: 'That finding known before', options: yesNo },
    risk: {
      label: 'Risk',
      options: [
        { value: 'low', label: 'Low' },
        { value: 'high', label: 'High' },
      ],
    },
    immunosuppressed: { label: 'Immunosuppressed', options: yesNo },
    age_years: { label: 'Age, years', options: [] },
  } satisfies Record<ContextField, { label: string; options: { value: string; label: string }[] }>,
  source: {
    order: 'from the order',
    rule: 'from the procedure code',
    reader: (by: string, at: string) => `answered by ${by}, ${at}`,
  },
  you: 'you',
  notAnswered: 'not answered',
  notKnown: 'not known',
  title: 'Questions',
}
