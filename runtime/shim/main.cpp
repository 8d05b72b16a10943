#include "runtime/exec/context.hpp"
#include "runtime/exec/init.hpp"
#include "runtime/shim/nursery.hpp"
#include "runtime/shim/shim.hpp"

#include <cstring>
#include <initializer_list>
#include <new>

namespace {

// Arguments and environment lie one behind the other.
davit::exec::Area texts(char** argv, char** env) {
    char* last = argv[0];
    for (char** list : {argv, env})
        for (char** text = list; *text; ++text) last = *text;
    return {argv[0], static_cast<std::size_t>(last - argv[0]) + std::strlen(last) + 1};
}

} // namespace

int main(int argc, char** argv, char** env) {
    using namespace davit;
    if (argc < 1) return 125;
    // The same sealed program is pid 1 of a container with `init: true`.
    const char* name = std::strrchr(argv[0], '/');
    name = name ? name + 1 : argv[0];
    if (!std::strcmp(name, "docker-init")) exec::run_init(argv);

    exec::default_signals(); // for what is cloned from here: a handler can be cleared by clone3, an ignored signal not
    const exec::Area arguments = texts(argv, env);
    shim::Arguments args{argc, argv, {}};
    if (!std::strcmp(name, shim::nursery_name)) shim::become_shims(args);
    shim::Config config;
    if (!shim::parse(args.count, args.values, config)) {
        static const char usage[] = "davit-shim is started by davit-supervisor, one per container.\n";
        return write(2, usage, sizeof usage - 1) < 0 ? 126 : 125;
    }
    // In the data segment, not on the stack: 1 MB of buffers that cost nothing until they are touched.
    alignas(shim::Shim) static char memory[sizeof(shim::Shim)];
    (new (memory) shim::Shim(config, arguments, args.request))->run();
}
