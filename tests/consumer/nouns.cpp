// What an embedding program does beside up and down: one call of each noun, on a project that runs.
#include <algorithm>
#include <davit/attach.hpp>
#include <davit/events.hpp>
#include <davit/files.hpp>
#include <davit/images.hpp>
#include <davit/in_code.hpp>
#include <davit/inspect.hpp>
#include <davit/load.hpp>
#include <davit/logs.hpp>
#include <davit/merged.hpp>
#include <davit/networks.hpp>
#include <davit/short_forms.hpp>
#include <davit/stats.hpp>
#include <davit/system.hpp>
#include <davit/volumes.hpp>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

namespace {

void require(bool holds, const char* what) {
    if (holds) return;
    std::cerr << "not so: " << what << "\n";
    std::exit(1);
}

void look(davit::Engine& engine, const davit::ContainerInfo& web) {
    davit::LogSink sink;
    std::string first;
    davit::FollowOptions which;
    which.wanted = [](const davit::ContainerInfo&) { return true; };
    std::stop_source enough;
    sink.line = [&](const davit::ContainerInfo&, const davit::LogLine& line) {
        first = line.text;
        enough.request_stop();
    };
    davit::LogFollower follower(engine, "nouns", sink, which);
    follower.read_history();
    if (first.empty()) follower.run(enough.get_token());
    require(first == "ready", "its line is followed");
    std::string again;
    davit::read_log(web, {}, [&](const davit::LogLine& line) {
        again = line.text;
        return false;
    });
    require(again == "ready", "its line is read");
    require(davit::stats(web).pids > 0 && davit::stats(web).memory > 0, "it uses something");
    require(!davit::processes(web).empty(), "it has processes");
    require(!davit::containers_of(engine, davit::network(engine, "nouns_default")).empty(), "it is on its network");
    require(davit::volumes_in_use(engine).at("nouns_data") == web.name, "it has its volume");
    require(davit::containers_of(engine, davit::require_image(engine, "busybox")).size() == 1, "it has its image");
    require(davit::image_variants(engine, davit::require_image(engine, "busybox")).empty(),
            "which its name is of alone");
}

void documents(davit::Engine& engine, const davit::ContainerInfo& web) {
    const auto has = [](const std::string& document, const std::string& part) {
        return document.find(part) != std::string::npos;
    };
    require(has(davit::inspect(engine, web), "\"Name\":\"/" + web.name + "\""), "it has a document");
    require(has(davit::inspect(engine, davit::network(engine, "nouns_default")), web.id), "its network's names it");
    require(has(davit::inspect(davit::volume(engine, "nouns_data")), "\"Mountpoint\":\"/"), "its volume has one");
    require(has(davit::inspect(engine, davit::require_image(engine, "busybox")), "\"RootFS\""), "its image has one");
}

void sessions(davit::Engine& engine, const davit::ContainerInfo& web) {
    davit::ExecOptions command;
    command.command = {"sh", "-c", "echo $WORD; exit 4"};
    command.environment = {"WORD=said"};
    std::string said;
    davit::Session session;
    session.sink = [&](davit::ExecStream, std::string_view text) { said += text; };
    require(davit::exec(engine, web, command, session) == 4 && said == "said\n", "a command runs in it");
    davit::Session left;
    left.started = [&] { left.control.detach(); };
    require(!davit::attach(engine, web, left), "it is attached to, and left");
}

void machine(davit::Engine& engine, const davit::ContainerInfo& web) {
    davit::EventRange range;
    range.since = 0;
    std::string actions;
    davit::follow_events(engine, "nouns", range, [&](const davit::ContainerEvent& e) {
        actions += e.action + " of " + e.name + " ";
        return e.action != "start";
    });
    require(actions == "create of " + web.name + " start of " + web.name + " ", "what happened is known");
    require(davit::find_leaks(engine).empty(), "nothing is left over");
    require(davit::disk_use(engine).front().kind == davit::DiskUse::Kind::images, "images take the most");
    require(davit::default_directories().state == engine.state_dir(), "it works in the usual place");
}

void copy(davit::Engine& engine, const davit::ContainerInfo& web) {
    std::ofstream("/tmp/noun") << "carried\n";
    davit::copy_to(engine, web, "/tmp/noun", "/data/");
    davit::copy_from(engine, web, "/data/noun", "/tmp/back");
    std::string text;
    std::getline(std::ifstream("/tmp/back"), text);
    require(text == "carried", "a file goes in and out");
    davit::CommitOptions how;
    how.name = "nouns:1";
    davit::commit(engine, web, how);
    require(davit::find_image(engine, "nouns:1").has_value(), "it is an image now");
}

void texts() {
    davit::LoadOptions options;
    options.files = {"-"};
    options.stdin_text = "services: {web: {image: 'web:$TAG'}}";
    options.current_dir = "/";
    options.project_name = "texts";
    options.interpolate = false;
    davit::MergedFiles files(options);
    files.check();
    require(files.variables().count("TAG") == 1, "its variable is found");
    require(files.images().at(0).image == "web:$TAG", "its image stands as it is written");
    require(davit::parse_short_ports("80-81:80-81").size() == 2, "a range of ports is two");
    require(davit::parse_short_volume("data:/data").target == "/data", "a volume is parsed");
    require(davit::parse_image_name("busybox").canonical == "docker.io/library/busybox:latest", "so is a name");
}

} // namespace

int main() {
    try {
        const davit::Project project =
            davit::load_string(
                "name: nouns\nservices:\n  web:\n    image: busybox\n    command: sh -c 'echo ready; exec sleep 100'\n"
                "    stop_signal: KILL\n    volumes: ['data:/data']\nvolumes: {data: {}}\n")
                .project;
        texts();
        davit::Engine engine;
        engine.up(project);
        const davit::ContainerInfo web = engine.containers("nouns").at(0);
        look(engine, web);
        documents(engine, web);
        sessions(engine, web);
        machine(engine, web);
        copy(engine, web);
        engine.down(project);
        davit::remove_volume(engine, "nouns_data");
        davit::remove_image(engine, "nouns:1");
        const auto left = engine.networks();
        require(engine.volumes().empty() && std::all_of(left.begin(), left.end(), davit::is_builtin),
                "nothing is left");
    } catch (const davit::Error& e) {
        std::cerr << e.describe() << "\n";
        return 1;
    }
    std::cout << "each noun does its work\n";
}
