// cost [ROUNDS]: what the start of a scope takes beside Engine::up() of the same two services, in turns. Prints medians
// in milliseconds; nothing is asserted. The image is loaded by the caller.
#include "timing.hpp"

#include <davit/project_builder.hpp>
#include <davit/scope.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <vector>

namespace {

davit::Project two_sleepers() {
    davit::ProjectBuilder b("cost");
    for (const char* name : {"one", "two"})
        b.service(name).image("busybox").command({"sleep", "1000"}).stop_signal("KILL");
    return b.build();
}

} // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 20;
    try {
        const davit::Project project = two_sleepers();
        davit::Engine engine;
        std::vector<double> up, down, scope_up, scope_down;
        for (int i = 0; i < rounds; ++i) {
            auto begin = Clock::now();
            engine.up(project);
            up.push_back(since(begin));
            begin = Clock::now();
            engine.down(project);
            down.push_back(since(begin));
            begin = Clock::now();
            davit::Scope scope(project);
            scope_up.push_back(since(begin));
            begin = Clock::now();
            scope.down();
            scope_down.push_back(since(begin));
        }
        std::cout << "up " << median(up) << ", scope " << median(scope_up) << ", ratio "
                  << median(scope_up) / median(up) << "\ndown " << median(down) << ", of the scope "
                  << median(scope_down) << "\n";
    } catch (const davit::Error& e) {
        std::cerr << e.describe() << "\n";
        return 1;
    }
}
