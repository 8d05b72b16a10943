// A program that embeds davit: loads a compose file, brings the project up, waits until it is healthy, runs a
// command in it and takes it down.
//   embed DIRECTORY FILE
#include <davit/engine.hpp>
#include <davit/load.hpp>
#include <davit/version.hpp>

#include <iostream>

int main(int argc, char** argv) {
    if (argc != 3 || !davit::version_serves()) return 2;
    std::cout << "compiled for davit " DAVIT_VERSION ", runs with " << davit::version() << "\n";
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
        bool well = true;
        for (const davit::ContainerInfo& c : engine.containers(project.name)) {
            well = well && c.health == davit::Health::healthy;
            std::cout << c.service << (c.health == davit::Health::healthy ? " is healthy\n" : " is not healthy\n");
            davit::ExecOptions command;
            command.command = {"echo", "hello from inside"};
            well =
                engine.exec(c, command, {}, [](davit::ExecStream, std::string_view text) { std::cout << text; }) == 0 &&
                well;
        }
        engine.down(project);
        return well && engine.containers(project.name).empty() ? 0 : 1;
    } catch (const davit::Error& e) {
        std::cerr << e.describe() << "\n";
        return 1;
    }
}
