// `inspect`: whatever has that name or id, of all kinds of objects.
#include "davit/inspect.hpp"
#include "base/error.hpp"
#include "cli/cmd/container_look.hpp"
#include "cli/cmd/inspected.hpp"
#include "cli/cmd/network.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/docker_errors.hpp"
#include "cli/options.hpp"
#include "davit/images.hpp"
#include "davit/swarm_look.hpp"
#include "davit/swarm_objects.hpp"
#include "davit/volumes.hpp"

#include <fmt/ranges.h>
#include <functional>
#include <set>
#include <string_view>

namespace davit::cli {

namespace {

struct Kind {
    std::string_view name;
    std::string (*document)(Engine&, const std::string& name, bool size); // throws Error(not_found)
};

std::string task_document(Engine& engine, const std::string& name, bool) {
    const auto found = swarm::find_task(engine, name);
    if (!found) throw error(Errc::not_found, "task {} not found", name);
    return swarm::inspect(engine, found->service, found->task);
}

// In the order in which docker asks.
constexpr Kind kinds[] = {
    {"container", container_document},
    {"image",
     [](Engine& engine, const std::string& name, bool) { return inspect(engine, require_image(engine, name)); }},
    {"network",
     [](Engine& engine, const std::string& name, bool) { return inspect(engine, found_network(engine, name)); }},
    {"volume", [](Engine& engine, const std::string& name, bool) { return inspect(volume(engine, name)); }},
    {"service",
     [](Engine& engine, const std::string& name, bool) { return swarm::inspect(swarm::service(engine, name)); }},
    {"task", task_document},
    {"node", [](Engine& engine, const std::string& name, bool) { return swarm::inspect(swarm::node(engine, name)); }},
    {"secret",
     [](Engine& engine, const std::string& name, bool) {
         return swarm::inspect(swarm::FileKind::secret, swarm::file(engine, swarm::FileKind::secret, name));
     }},
    {"config",
     [](Engine& engine, const std::string& name, bool) {
         return swarm::inspect(swarm::FileKind::config, swarm::file(engine, swarm::FileKind::config, name));
     }},
    {"plugin",
     [](Engine&, const std::string& name, bool) -> std::string {
         throw error(Errc::not_found, "plugin \"{}\" not found", name);
     }},
};

// Whether the next kind may have what this one has not. Of an engine outside of a swarm, nothing of Swarm's is there.
bool is_absent(const Error& e) {
    // What cannot be an image's name may be something else's.
    if (std::string_view(e.what()).find("invalid reference format") != std::string_view::npos) return true;
    return e.kind() == Errc::not_found || e.kind() == Errc::unavailable || e.kind() == Errc::usage;
}

std::string document_of(const Kind& kind, Engine& engine, const std::string& name, bool size) {
    std::string out = kind.document(engine, name, size);
    if (size && docker_is_spoken() && std::string_view(kind.name) != "container")
        std::fprintf(stderr, "WARNING: --size ignored for %s\n", std::string(kind.name).c_str());
    return out;
}

std::string document_of_any(Engine& engine, const std::string& name, bool size) {
    if (name.empty() && docker_is_spoken()) throw error(Errc::usage, "invalid container name or ID: value is empty");
    for (const Kind& kind : kinds) {
        try {
            return document_of(kind, engine, name, size);
        } catch (const Error& e) {
            if (!is_absent(e)) throw;
        }
    }
    throw error(Errc::usage, "{}no such object: {}", docker_is_spoken() ? "error: " : "", name);
}

const Kind& kind_named(const std::string& name) {
    std::set<std::string> known;
    for (const Kind& kind : kinds) {
        if (kind.name == name) return kind;
        known.insert(fmt::format("\"{}\"", kind.name));
    }
    if (name.empty()) throw error(Errc::usage, "type is empty: must be one of {}", fmt::join(known, ", "));
    throw error(Errc::usage, "unknown type: \"{}\": must be one of {}", name, fmt::join(known, ", "));
}

} // namespace

int run_inspect(Globals& globals, const Args& args) {
    std::string format;
    std::optional<std::string> type;
    std::vector<std::string> names;
    bool size = false;
    Options options(globals, "inspect [OPTIONS] NAME|ID [NAME|ID...]", "Show all that is known of any object");
    options.value("f,format", format, "Format output using a custom template: 'json' or a Go template")
        .flag("s,size", size, "Display total file sizes if the type is container")
        .value("type", type,
               "Only inspect objects of the given type "
               "(container|image|network|volume|service|task|node|secret|config)")
        .arguments(names, 1);
    if (!options.parse(args)) return 0;
    const Kind* only = type ? &kind_named(*type) : nullptr;
    Context context(globals);
    Engine& engine = context.engine();
    return inspect_each(
        names, format,
        [&](const std::string& name) {
            return only ? document_of(*only, engine, name, size) : document_of_any(engine, name, size);
        },
        any_zeros);
}

} // namespace davit::cli
