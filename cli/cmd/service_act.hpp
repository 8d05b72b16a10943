// The verbs of `davit service` that change something.
#pragma once

#include "cli/app.hpp"
#include "cli/cmd/swarm_files.hpp"
#include "cli/context.hpp"
#include "cli/options.hpp"
#include "davit/service_flags.hpp"
#include "davit/swarm_objects.hpp"

#include <deque>
#include <optional>
#include <string>

namespace davit::cli {

int run_service_create(Globals&, const Args&);
int run_service_rm(Globals&, const Args&);
int run_service_rollback(Globals&, const Args&);
int run_service_scale(Globals&, const Args&);
int run_service_update(Globals&, const Args&);

// Runs fn in a swarm, which is made for it; when fn fails, a swarm in which nothing was made goes again.
template <typename F>
void in_swarm(Context& context, F&& fn) {
    if (!context.dry_run()) announce_swarm(context.engine());
    try {
        fn();
    } catch (...) {
        if (!context.dry_run()) swarm::release_swarm(context.engine());
        throw;
    }
}

// The flags of create or update as options; what is given goes to flags.
void add_service_flags(Options& options, ServiceFlags& flags, bool create);
FlagSurroundings flag_surroundings(Context& context);
// One that is to be changed: what the engine says when it has none. Throws Error.
swarm::Service service_to_change(Engine& engine, const std::string& name);
// Warnings of the engine, one a line, to stderr.
void print_service_warnings(const std::vector<std::string>& warnings);

} // namespace davit::cli
