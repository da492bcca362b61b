/* SPDX-License-Identifier: Apache-2.0 */
/* No single answer is right everywhere: the host name may resolve to 127.0.1.1 (Debian) or not at
 * all on other nodes, a login node has an outer address too, and bridges of containers have
 * addresses that nobody can reach. So: first what the host name stands for, then the other
 * interfaces' addresses, those of bridges last, then the name, for the case that other nodes know
 * better, and the loopback, for nodes that are this machine. Who listens is known by MUNGE, so a
 * wrong address costs a moment and no more.
 */
#include "coord/slurm/hosts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/strings.h"

enum { MOST_HOSTS = 16 };

static bool has (const struct aw_strings *list, const char *text)
{
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp (list->v[i], text) == 0)
            return true;
    }
    return false;
}

static void add (struct aw_strings *list, const char *text)
{
    if (list->n < MOST_HOSTS && !has (list, text))
        aw_strings_add (list, text);
}

/* Adds a numeric address that other nodes could use: neither loopback nor link-local. */
static void add_address (struct aw_strings *list, const struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN];

    if (address->sa_family == AF_INET) {
        const struct in_addr *in = &((const struct sockaddr_in *)address)->sin_addr;
        uint32_t host = ntohl (in->s_addr);

        if (host >> 24 == 127 || host >> 16 == 0xa9fe) /* 127/8, 169.254/16 */
            return;
        if (inet_ntop (AF_INET, in, text, sizeof (text)))
            add (list, text);
    }
    else if (address->sa_family == AF_INET6) {
        const struct in6_addr *in = &((const struct sockaddr_in6 *)address)->sin6_addr;

        if (IN6_IS_ADDR_LOOPBACK (in) || IN6_IS_ADDR_LINKLOCAL (in) || IN6_IS_ADDR_V4MAPPED (in))
            return;
        if (inet_ntop (AF_INET6, in, text, sizeof (text)))
            add (list, text);
    }
}

static void add_resolved (struct aw_strings *list, const char *name)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;

    if (getaddrinfo (name, NULL, &hints, &found) != 0)
        return;
    for (const struct addrinfo *a = found; a; a = a->ai_next)
        add_address (list, a->ai_addr);
    freeaddrinfo (found);
}

static bool is_bridge (const char *interface)
{
    static const char *const names[] = { "docker", "virbr", "veth", "br-", "cni", "podman", "lxc" };

    for (size_t i = 0; i < sizeof (names) / sizeof (names[0]); i++) {
        if (strncmp (interface, names[i], strlen (names[i])) == 0)
            return true;
    }
    return false;
}

static void add_interfaces (struct aw_strings *list, int family, bool bridges)
{
    struct ifaddrs *all = NULL;

    if (getifaddrs (&all) < 0)
        return;
    for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
        if (i->ifa_addr && i->ifa_addr->sa_family == family && (i->ifa_flags & IFF_UP)
            && is_bridge (i->ifa_name) == bridges)
            add_address (list, i->ifa_addr);
    }
    freeifaddrs (all);
}

static char *join (const struct aw_strings *list)
{
    size_t size = 1;
    char *text;
    char *at;

    for (size_t i = 0; i < list->n; i++)
        size += strlen (list->v[i]) + 1;
    text = malloc (size);
    if (!text)
        return NULL;
    at = text;
    *at = '\0';
    for (size_t i = 0; i < list->n; i++) {
        if (i > 0)
            *at++ = ',';
        at = stpcpy (at, list->v[i]);
    }
    return text;
}

char *aw_hosts_of_this (struct aw_error *err)
{
    struct aw_strings list;
    char name[256];
    char *text = NULL;

    aw_strings_init (&list);
    if (gethostname (name, sizeof (name)) < 0 || strchr (name, ','))
        name[0] = '\0';
    name[sizeof (name) - 1] = '\0';
    if (name[0])
        add_resolved (&list, name);
    add_interfaces (&list, AF_INET, false);
    add_interfaces (&list, AF_INET6, false);
    add_interfaces (&list, AF_INET, true);
    if (name[0])
        add (&list, name);
    add (&list, "127.0.0.1");
    if (!list.failed)
        text = join (&list);
    if (!text)
        aw_error_set (err, "%s", strerror (ENOMEM));
    aw_strings_finish (&list);
    return text;
}
