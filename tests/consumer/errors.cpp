// The contract of errors, docs/embedding.md: for each kind a call that fails so, with the fields that tell more.
#include <davit/build_cache.hpp>
#include <davit/compose_texts.hpp>
#include <davit/containers.hpp>
#include <davit/files.hpp>
#include <davit/images.hpp>
#include <davit/in_code.hpp>
#include <davit/networks.hpp>
#include <davit/project_builder.hpp>
#include <davit/remote.hpp>
#include <davit/scope.hpp>
#include <davit/to_string.hpp>
#include <davit/volumes.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

namespace {

struct Row {
    const char* what;
    davit::Errc kind;
    std::function<void()> call;
    std::function<bool(const davit::Error&)> tells = {};
};

davit::Project one(const std::string& command) {
    return davit::load_string(
               "name: errors\nservices:\n  one:\n    image: busybox\n    stop_signal: KILL\n    command: " + command +
               "\n")
        .project;
}

void with_files(const std::string& name) {
    davit::LoadOptions options;
    options.current_dir = "/tmp";
    options.files = {name};
    davit::load(options);
}

std::function<bool(const davit::Error&)> about(std::string resource) {
    return [resource = std::move(resource)](const davit::Error& e) { return e.resource() == resource; };
}

bool holds(const Row& row) {
    try {
        row.call();
    } catch (const davit::Error& e) {
        if (e.kind() == row.kind && (!row.tells || row.tells(e)) && e.describe().find(e.what()) != std::string::npos)
            return true;
        std::cerr << row.what << ": " << to_string(e.kind()) << " instead of " << to_string(row.kind)
                  << ", or without its fields:\n"
                  << e.describe() << "\n";
        return false;
    }
    std::cerr << row.what << ": nothing was thrown\n";
    return false;
}

} // namespace

int main() {
    using davit::Errc;
    davit::Engine engine;
    davit::Scope scope(one("sleep 1000"));
    const davit::ContainerInfo running = scope.container("one");
    const auto exec = [&](std::vector<std::string> words) {
        davit::ExecOptions options;
        options.command = std::move(words);
        return engine.exec(running, options);
    };
    std::filesystem::create_directory("/tmp/anybody");
    std::filesystem::permissions("/tmp/anybody", std::filesystem::perms::all);
    davit::EngineOptions elsewhere, relative;
    elsewhere.state_dir = "/tmp/anybody/state";
    relative.state_dir = "state";
    std::stop_source stopped;
    stopped.request_stop();

    const std::vector<Row> table = {
        {"a text without a name", Errc::usage,
         [] {
             davit::load_strings({{"", ""}});
         },
         [](const auto& e) { return !e.hint().empty(); }},
        {"a directory that is none", Errc::usage, [&] { davit::Engine e(relative); }},
        {"a process without a command", Errc::usage, [&] { exec({}); }},
        {"a key that nobody knows", Errc::invalid_project,
         [] { davit::load_string("name: x\nservices:\n  a: {imgae: x}\n"); },
         [](const auto& e) {
             return e.at().line == 3 && e.at().column == 7 && !e.hint().empty() && e.resource() == "service:a";
         }},
        {"a file that is not there", Errc::not_found, [] { with_files("none.yaml"); },
         [](const auto& e) { return e.os() == std::errc::no_such_file_or_directory; }},
        {"a container that nobody has", Errc::not_found, [&] { davit::find_container(engine, "nobody"); },
         about("container:nobody")},
        {"a network that nobody has", Errc::not_found, [&] { davit::remove_network(engine, "nobodys"); },
         about("network:nobodys")},
        {"a volume that nobody has", Errc::not_found, [&] { davit::remove_volume(engine, "none"); },
         about("volume:none")},
        {"a service that nobody has", Errc::not_found, [&] { scope.container("two"); }, about("service:two")},
        {"a program that is not there", Errc::not_found, [&] { exec({"/none"}); },
         [](const auto& e) { return e.exit_code() == 127; }},
        {"a program that is none", Errc::denied, [&] { exec({"/etc/passwd"}); },
         [](const auto& e) { return e.exit_code() == 126; }},
        {"a second scope", Errc::conflict, [] { davit::Scope again(one("sleep 1000")); },
         [](const auto& e) { return !e.hint().empty(); }},
        {"an image in use", Errc::conflict, [&] { davit::remove_image(engine, "busybox"); }, about("image:busybox")},
        {"a driver that nobody has", Errc::unsupported,
         [&] {
             davit::NetworkSpec spec;
             spec.name = "far";
             spec.driver = "overlay";
             davit::create_network(engine, spec);
         }},
        {"a directory that others may change", Errc::denied, [&] { davit::Engine e(elsewhere); },
         [](const auto& e) { return !e.hint().empty(); }},
        {"a registry that does not answer", Errc::unavailable, [&] { davit::pull_image(engine, "127.0.0.1:1/none:1"); },
         about("image:127.0.0.1:1/none:1")},
        {"a call that is left", Errc::interrupted,
         [&] { scope.wait({davit::exited("one")}, {}, stopped.get_token()); }},
        {"an image prune that is left", Errc::interrupted,
         [&] { davit::prune_images(engine, {}, stopped.get_token()); }},
        {"a look at the build cache that is left", Errc::interrupted,
         [&] { // a cache mount: what may be large, and is walked through
             std::filesystem::create_directories(engine.state_dir() + "/images/cache-mounts/one/data");
             davit::build_cache(engine, stopped.get_token());
         }},
        {"a volume prune that is left", Errc::interrupted,
         [&] {
             davit::create_volume(engine, {});
             davit::prune_volumes(engine, true, {}, stopped.get_token());
         }},
        {"a network that is left where it is", Errc::interrupted,
         [&] { davit::remove_network(engine, "errors_default", stopped.get_token()); }},
        {"changes that nobody waits for", Errc::interrupted,
         [&] {
             exec({"touch", "/made"});
             davit::changes(engine, running, stopped.get_token());
         }},
        {"digests that nobody waits for", Errc::interrupted,
         [&] { davit::pinned_images({"127.0.0.1:1/none:1"}, stopped.get_token()); }},
        {"a compose file that nobody waits for", Errc::interrupted,
         [&] {
             davit::RemoteOptions how;
             how.stop = stopped.get_token();
             davit::remote_resources(how)("oci://127.0.0.1:1/none:1");
         }},
        {"a scope's end that nobody waits for", Errc::interrupted,
         [&] {
             davit::Project p = one("sh -c 'trap true TERM; sleep 1000 & wait; sleep 2'");
             p.service("one").stop_signal = "TERM";
             davit::ScopeOptions how;
             how.unique = true;
             how.grace = std::chrono::seconds(1);
             davit::Scope slow(p, how);
             slow.down(stopped.get_token());
         }},
        {"a wait that fails", Errc::failed, [&] { scope.wait({davit::healthy("one")}); }},
        {"a start of what is not there", Errc::not_found,
         [] {
             davit::Project p = one("/none");
             p.name = "fails";
             davit::normalize(p);
             davit::Scope broken(p);
         },
         [](const auto& e) { return e.resource().find("one") != std::string::npos; }},
    };
    bool well = true;
    for (int kind = 0; kind <= static_cast<int>(Errc::failed); ++kind) // the last one
        if (std::none_of(table.begin(), table.end(), [&](const Row& r) { return static_cast<int>(r.kind) == kind; })) {
            std::cerr << "no call fails with " << to_string(static_cast<Errc>(kind)) << "\n";
            well = false;
        }
    for (const Row& row : table) well = holds(row) && well;
    std::filesystem::remove_all("/tmp/anybody");
    std::filesystem::remove_all(engine.state_dir() + "/images/cache-mounts");
    davit::prune_volumes(engine, true);
    return well ? 0 : 1;
}
