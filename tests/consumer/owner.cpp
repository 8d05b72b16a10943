// The owner of a scope, for tests that kill it: two services, a network and a volume that end with this process.
//   owner NAME [fork | fork-late]
// fork: a child goes on, of before the scope or of when it runs; its pid is said. "ready NAME" is said when all runs.
#include <davit/in_code.hpp>
#include <davit/project_builder.hpp>
#include <davit/scope.hpp>

#include <iostream>
#include <string>
#include <string_view>
#include <unistd.h>

namespace {

davit::Project two_services(const std::string& name) {
    davit::ProjectBuilder b(name);
    b.service("db")
        .image("busybox")
        .command({"sh", "-c", "echo ready; exec sleep 1000"})
        .volume("rows:/rows")
        .volume("/anonymous")
        .secret("password", "x")
        .stop_signal("KILL");
    b.service("web").image("busybox").command({"sleep", "1000"}).port("80").depends_on("db").restart("always");
    return b.build();
}

// As whoever forgets one does: it has all descriptors that there are.
void fork_if(bool wanted) {
    if (!wanted) return;
    const pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    std::cout << "child " << child << std::endl;
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) return 2;
    const std::string_view mode = argc > 2 ? argv[2] : "";
    try {
        fork_if(mode == "fork");
        davit::ScopeOptions options;
        options.unique = true;
        davit::Scope scope(two_services(argv[1]), options);
        scope.wait(davit::running("web"), davit::log_line("db", "^ready$"));
        fork_if(mode == "fork-late");
        std::cout << "ready " << scope.name() << std::endl;
        std::string line;
        std::getline(std::cin, line); // until it is told to end
    } catch (const davit::Error& e) {
        std::cerr << e.describe() << "\n";
        return 1;
    }
}
