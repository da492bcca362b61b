/* SPDX-License-Identifier: Apache-2.0 */

/* The rows there are. The GPU's is a module of its own, so that the programs start as fast as ever,
 * and run where no CUDA is installed.
 */

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend.h"

#define MODULE "ddmd-cuda.so"

const struct ddmd_backend *ddmd_backend_load (const char *path, struct aw_error *err)
{
    const struct ddmd_backend *(*open_module) (const char **why);
    const struct ddmd_backend *backend;
    const char *why = "";
    void *module, *symbol;

    if (sizeof (ddmd_real) != sizeof (float)) {
        aw_error_set (err, "%s: computes in single precision alone", path);
        return NULL;
    }
    if (access (path, R_OK) < 0) {
        aw_error_set (err, "%s: %s: was this built with CUDA?", path, strerror (errno));
        return NULL;
    }
    module = dlopen (path, RTLD_NOW | RTLD_LOCAL);
    symbol = module ? dlsym (module, "ddmd_backend_cuda_open") : NULL;
    if (!symbol) {
        aw_error_set (err, "%s", dlerror ());
        return NULL;
    }
    memcpy (&open_module, &symbol, sizeof (symbol)); /* C has no cast from an object's address */
    backend = open_module (&why);
    if (!backend)
        aw_error_set (err, "%s", why);
    return backend;
}

static const struct ddmd_backend *load_beside_program (struct aw_error *err)
{
    static const struct ddmd_backend *loaded;
    char path[4096];
    ssize_t n;
    char *slash;

    if (loaded)
        return loaded;
    n = readlink ("/proc/self/exe", path, sizeof (path) - sizeof (MODULE) - 1);
    if (n <= 0) {
        aw_error_set (err, "/proc/self/exe: %s", strerror (errno));
        return NULL;
    }
    path[n] = '\0';
    slash = strrchr (path, '/');
    strcpy (slash ? slash + 1 : path, MODULE);
    loaded = ddmd_backend_load (path, err);
    return loaded;
}

const struct ddmd_backend *ddmd_backend_open (const char *name, struct aw_error *err)
{
    const struct ddmd_backend *backend = NULL;

    if (strcmp (name, ddmd_backend_cpu.name) == 0)
        return &ddmd_backend_cpu;
    if (strcmp (name, "cuda") == 0)
        backend = load_beside_program (err);
    else
        aw_error_set (err, "there is no \"%s\": cpu or cuda", name);
    if (!backend)
        aw_error_prefix (err, "--backend");
    return backend;
}

int ddmd_backend_check (const struct ddmd_backend *backend, struct aw_error *err)
{
    const char *problem = backend->problem ();

    return problem ? aw_error_set (err, "%s: %s", backend->name, problem) : 0;
}
