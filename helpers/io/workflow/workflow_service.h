/* SPDX-License-Identifier: Apache-2.0 */
/* The key "service" of a task set. Private to the workflow's reader. */
#ifndef AW_IO_WORKFLOW_WORKFLOW_SERVICE_H
#define AW_IO_WORKFLOW_WORKFLOW_SERVICE_H

#include "core/graph/graph.h"
#include "io/workflow/reader.h"
#include "io/workflow/workflow.h"
#include "io/workflow/workflow_task.h"

/* Reads "service" of OBJECT, a task set, if it is there. Comes before its other keys, which may
 * have {port}. */
void aw_read_service (struct aw_reader *reader,
                      struct json_object *object,
                      struct aw_task_spec *spec);

/* What a service cannot have, when all keys of its set, OBJECT, have been read. */
void aw_check_service (struct aw_reader *reader,
                       struct json_object *object,
                       const struct aw_task_spec *spec);

/* Services of the sets from FROM on whose variables would have one name, and those that nothing
 * uses. Comes after all edges have been read. */
void aw_check_services (struct aw_reader *reader, const struct aw_graph *graph, uint32_t from);

#endif /* AW_IO_WORKFLOW_WORKFLOW_SERVICE_H */
