// What the verbs about revisions share.
#pragma once

#include "cli/context.hpp"
#include "cli/options.hpp"
#include "davit/revisions.hpp"

#include <string>

namespace davit::cli {

// The project's name. A compose file that cannot be loaded is a reason to go back, so it does not keep anybody from it:
// then it is the project that was brought up from this directory.
std::string project_with_history(Context& context);
// The verbs about one history; owner: a project's name, or Swarm::history_of().
struct HistoryFlags {
    std::string format;
    bool quiet = false, whole = false;
    void add_to(Options& options);
};
void list_history(Engine& engine, const std::string& owner, const HistoryFlags& flags);
struct HistoryPruneFlags {
    PruneRevisionsOptions how;
    bool force = false;
    void add_to(Options& options);
    void check() const;
};
void prune_history(Context& context, const std::string& owner, const HistoryPruneFlags& flags);
// What differs from one revision to another; service: of this one alone. format: text or json.
void print_revision_diff(const Revision& from, const Revision& to, const std::string& service,
                         const std::string& format);
// "stack votes", "service web", "shop".
std::string owner_title(const std::string& owner);
// "running", "stopped", or nothing: what there is of it.
std::string state_of(Engine& engine, const std::string& owner);
// "3" → 3. Throws Error(usage).
int revision_number(const std::string& text);
// "2026-11-30 14:03:22 +0000 UTC"
std::string revision_title(const Revision& revision);

} // namespace davit::cli
