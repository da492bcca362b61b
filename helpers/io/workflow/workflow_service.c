/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/workflow_service.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "io/workflow/reader_keys.h"
#include "util/packet.h"

static const double TIMEOUT_SECONDS = 30 * 60;

static void read_topic (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct aw_service_recipe *service = object;
    const char *topic;

    if (!aw_reader_text (reader, value, &topic))
        return;
    if (aw_topic_is_good (topic, strlen (topic)))
        snprintf (service->topic, sizeof (service->topic), "%s", topic);
    else
        aw_reader_error (reader,
                         "the name of a topic has at most %d letters, digits, \"_\", \"-\" "
                         "and \".\", and begins with a letter, a digit or \"_\"",
                         AW_TOPIC_MAX);
}

#define OF(member) .offset = offsetof (struct aw_service_recipe, member)

static const struct aw_key ready_keys[] = {
    { "port", AW_KEY_U32, OF (port), .min = 0, .max = 65535 },
    { "message", .read = read_topic },
    { "timeout", AW_KEY_LIMIT, OF (timeout) },
};
enum { N_READY_KEYS = sizeof (ready_keys) / sizeof (ready_keys[0]) };

static void read_ready (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct aw_service_recipe *service = object;

    if (!aw_reader_object (reader, value))
        return;
    aw_keys_read (reader, ready_keys, N_READY_KEYS, "known keys: port, message, timeout", value,
                  service);
    if (service->port != AW_NO_PORT && service->topic[0])
        aw_reader_error (reader, "\"port\" or \"message\", not both: remove one");
}

static const struct aw_key service_keys[] = {
    { "ready", .read = read_ready },
};

void aw_read_service (struct aw_reader *reader,
                      struct json_object *object,
                      struct aw_task_spec *spec)
{
    struct json_object *value;
    size_t mark;

    spec->recipe.service =
        (struct aw_service_recipe){ .port = AW_NO_PORT, .timeout = TIMEOUT_SECONDS };
    if (!json_object_object_get_ex (object, "service", &value))
        return;
    mark = aw_reader_enter (reader, "service");
    spec->set.service = true;
    if (aw_reader_object (reader, value))
        aw_keys_read (reader, service_keys, 1, "the known key is \"ready\"", value,
                      &spec->recipe.service);
    aw_reader_leave (reader, mark);
}

void aw_check_service (struct aw_reader *reader,
                       struct json_object *object,
                       const struct aw_task_spec *spec)
{
    static const char *const refused[] = { "count", "foreach", "worker", "stage_in", "stage_out" };

    if (!spec->set.service)
        return;
    for (size_t i = 0; i < sizeof (refused) / sizeof (refused[0]); i++)
        if (json_object_object_get_ex (object, refused[i], NULL))
            aw_reader_error (reader,
                             "a service is one task on one node, without data staging: "
                             "remove \"%s\"",
                             refused[i]);
    if (spec->set.step)
        aw_reader_error (reader, "a service is one task of the pool: remove \"ranks\", \"nodes\", "
                                 "\"srun\" and \"launch\"");
}

static bool is_used (const struct aw_graph *graph, uint32_t service)
{
    for (uint32_t s = 0; s < graph->n_sets; s++)
        for (uint32_t e = 0; e < graph->sets[s].n_after; e++)
            if (graph->sets[s].after[e].set == service)
                return true;
    return false;
}

/* The first set before SERVICE that is a service whose variables have the same name; AW_NONE:
 * there is none. */
static uint32_t namesake (const struct aw_graph *graph, uint32_t service)
{
    char name[AW_SERVICE_NAME_SIZE], other[AW_SERVICE_NAME_SIZE];

    aw_service_variable (graph->sets[service].name, name);
    for (uint32_t s = 0; s < service; s++) {
        if (!graph->sets[s].service)
            continue;
        aw_service_variable (graph->sets[s].name, other);
        if (!strcmp (name, other))
            return s;
    }
    return AW_NONE;
}

void aw_check_services (struct aw_reader *reader, const struct aw_graph *graph, uint32_t from)
{
    for (uint32_t s = from; s < graph->n_sets; s++) {
        size_t mark;
        uint32_t other;

        if (!graph->sets[s].service)
            continue;
        mark = aw_reader_enter (reader, graph->sets[s].name);
        other = namesake (graph, s);
        if (from > 0)
            aw_reader_error (reader, "an added workflow cannot have a service: write it in the "
                                     "first file");
        else if (other != AW_NONE)
            aw_reader_error (reader,
                             "the variables of this service and of %.64s would have the same "
                             "names: rename one of the sets",
                             graph->sets[other].name);
        else if (!is_used (graph, s))
            aw_reader_warn (reader, "no set comes after this service: it will not start");
        aw_reader_leave (reader, mark);
    }
}
