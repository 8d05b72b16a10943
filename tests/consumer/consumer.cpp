// A program against the installed library: loads a file, brings the project up, waits until it is
// healthy, and takes it down.
#include <davit/engine.hpp>
#include <davit/load.hpp>

#include <iostream>

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    try {
        davit::LoadOptions options;
        options.current_dir = argv[1];
        options.files = {argv[2]};
        davit::Project project = davit::load(options).project;

        davit::EngineOptions how;
        how.events = [](const davit::Event& e) {
            if (e.kind == davit::EventKind::operation_done) std::cout << "done: " << e.resource << "\n";
        };
        davit::Engine engine(how);
        davit::UpOptions up;
        up.wait = true;
        engine.up(project, up);
        for (const davit::ContainerInfo& c : engine.containers(project.name)) {
            std::cout << c.service << (c.health == davit::Health::healthy ? " is healthy\n" : " is not healthy\n");
            if (c.health != davit::Health::healthy) return 1;
        }
        engine.down(project);
        return engine.containers(project.name).empty() ? 0 : 1;
    } catch (const davit::Error& e) {
        std::cerr << e.describe() << "\n";
        return 1;
    }
}
