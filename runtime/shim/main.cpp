#include "runtime/exec/context.hpp"
#include "runtime/exec/init.hpp"
#include "runtime/shim/nursery.hpp"
#include "runtime/shim/shim.hpp"

#include <cstring>
#include <new>

int main(int argc, char** argv) {
    using namespace davit;
    // The same sealed program is pid 1 of a container with `init: true`.
    const char* name = argc > 0 ? std::strrchr(argv[0], '/') : nullptr;
    name = name ? name + 1 : argc > 0 ? argv[0] : "";
    if (!std::strcmp(name, "davit-init")) exec::run_init(argv);

    exec::default_signals(); // for what is cloned from here: a handler can be cleared by clone3, an ignored signal not
    shim::Arguments args{argc, argv};
    if (!std::strcmp(name, shim::nursery_name)) shim::become_shims(args);
    shim::Config config;
    if (!shim::parse(args.count, args.values, config)) {
        static const char usage[] = "davit-shim is started by davit-supervisor, one per container.\n";
        return write(2, usage, sizeof usage - 1) < 0 ? 126 : 125;
    }
    // In the data segment, not on the stack: 1 MB of buffers that cost nothing until they are touched.
    alignas(shim::Shim) static char memory[sizeof(shim::Shim)];
    (new (memory) shim::Shim(config))->run();
}
