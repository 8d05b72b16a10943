#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/cmd/stack.hpp"
#include "cli/cmd/stack_files.hpp"
#include "cli/context.hpp"
#include "cli/diagnostics.hpp"
#include "cli/options.hpp"
#include "davit/services.hpp"
#include "davit/swarm_objects.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>

namespace davit::cli {

namespace {

class Removal {
public:
    Removal(Context& context, Swarm& swarm) : context_(context), swarm_(swarm) {}

    // Whether all of it is gone.
    bool run(StackContents contents) {
        for (const swarm::Service& s : contents.services)
            remove("service", s.spec.name, s.id, [&] { swarm_.remove_service(s.id, true); });
        for (const swarm::Config& c : contents.secrets)
            remove("secret", c.spec.name, c.id, [&] { remove_file(context_.engine(), swarm::FileKind::secret, c.id); });
        for (const swarm::Config& c : contents.configs)
            remove("config", c.spec.name, c.id, [&] { remove_file(context_.engine(), swarm::FileKind::config, c.id); });
        for (const NetworkInfo& n : contents.networks)
            remove("network", n.name, n.id, [&] { swarm_.remove_network(n.name); });
        return ok_;
    }

private:
    void remove(const char* noun, const std::string& name, const std::string& id, const std::function<void()>& act) {
        std::printf("Removing %s %s\n", noun, printable(name).c_str());
        std::fflush(stdout);
        if (context_.dry_run()) return;
        try {
            act();
        } catch (const Error& e) {
            ok_ = false;
            std::fprintf(stderr, "Failed to remove %s %s: %s\n", noun, id.c_str(), error_text(e).c_str());
        }
    }

    Context& context_;
    Swarm& swarm_;
    bool ok_ = true;
};

} // namespace

int run_stack_rm(Globals& globals, const Args& args) {
    bool detach = true;
    std::vector<std::string> names;
    Options options(globals, "stack rm [OPTIONS] STACK [STACK...]", "Remove one or more stacks");
    options.flag("d,detach", detach, "Do not wait for stack removal (default true)").arguments(names, 1);
    if (!options.parse(args)) return 0;
    for (const std::string& name : names) check_stack_name(name);
    Context context(globals);
    context.interrupts();
    context.mute();
    Swarm swarm(context.engine_options());
    ErrorList errors;
    for (const std::string& name : names)
        errors.run([&] {
            const StackContents contents = swarm.stack(name);
            if (contents.empty()) {
                std::fprintf(stderr, "Nothing found in stack: %s\n", printable(name).c_str());
                if (!context.dry_run()) swarm.forget_history(Swarm::history_of_stack(name));
                return;
            }
            if (!Removal(context, swarm).run(contents))
                throw error(Errc::failed, "failed to remove some resources from stack: {}", name);
            if (!context.dry_run()) swarm.forget_history(Swarm::history_of_stack(name));
            if (!detach && !context.dry_run())
                swarm.subscribe(
                    swarm::stack_project_prefix + name, [](const Event&) { return true; }, context.stop());
        });
    if (!context.dry_run()) swarm::release_swarm(context.engine());
    errors.throw_if_any();
    return 0;
}

} // namespace davit::cli
