/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of a task set as other systems call them. */
#ifndef AW_IO_WORKFLOW_SYNONYMS_H
#define AW_IO_WORKFLOW_SYNONYMS_H

/* What to write instead of WORD, "\"after\"" for "needs"; NULL: no other system's word. Upper and
 * lower case are the same, and so are "-" and "_". Static.
 */
const char *aw_synonym (const char *word);

#endif /* AW_IO_WORKFLOW_SYNONYMS_H */
