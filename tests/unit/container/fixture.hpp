// One service of a project written as YAML, built into a container with surroundings that are told, not looked up.
#pragma once

#include "container/container.hpp"

#include "base/error.hpp"
#include "davit/load.hpp"

#include <doctest/doctest.h>
#include <map>
#include <string>

namespace davit::test {

class FakeSurroundings final : public Surroundings {
public:
    std::map<std::string, Donor> donors; // by service or container name
    std::map<std::string, VolumeRecord> volumes;
    std::map<std::string, std::string> texts; // of files
    std::vector<cdi::File> specifications;

    Donor of_service(const std::string& service) override { return of(service); }
    Donor by_name(const std::string& container) override { return of(container); }
    std::vector<std::string> names_of(const std::string& service) override { return {"p-" + service + "-1"}; }
    ImageFacts image(const std::string& reference) override {
        return {"sha256:" + reference, {}, {"/layers/" + reference}};
    }
    VolumeRecord volume(const std::string& name) override {
        if (const auto found = volumes.find(name); found != volumes.end()) return found->second;
        VolumeRecord out;
        out.name = name;
        return out;
    }
    std::string read_file(const std::string& path) override {
        const auto found = texts.find(path);
        if (found == texts.end()) throw error(Errc::not_found, "there is no {}", path);
        return found->second;
    }
    // The memory devices, and whatever is asked for is null's like.
    std::vector<runtime::Device> devices(const std::string& path) override {
        if (path == "/dev") return {{"/dev/null", 'c', 1, 3, 0666, 0, 0}, {"/dev/sda", 'b', 8, 0, 0660, 0, 6}};
        return {{path, 'c', 1, path == "/dev/zero" ? 5u : 3u, 0666, 0, 0}};
    }
    std::vector<cdi::File> cdi_files() override { return specifications; }
    std::string new_volume_name() override { return "fresh" + std::to_string(++made_); }

private:
    Donor of(const std::string& name) {
        const auto found = donors.find(name);
        if (found == donors.end()) throw error(Errc::not_found, "no container {}", name);
        return found->second;
    }
    int made_ = 0;
};

inline Project project_of(const std::string& attributes, const std::string& rest = "") {
    LoadOptions options;
    options.files = {"-"};
    const bool has_command = attributes.find("    command:") != std::string::npos;
    options.environment = {{"WORD", "hush"}};
    options.stdin_text = "services:\n  web:\n    image: app\n" +
                         std::string(has_command ? "" : "    command: [run]\n") + attributes +
                         "  db: {image: app, command: [run]}\n" + rest;
    options.current_dir = "/case";
    options.project_name = "p";
    options.check_consistency = false;
    options.resolve_environment = false;
    return load(options).project;
}

// The container p-web-1 of a service `web` with these lines (four spaces before each), on a machine with eight
// processors.
inline BuiltContainer build(const Project& project, FakeSurroundings& around, const image::Config& config = {}) {
    NewContainer made;
    made.id = std::string(64, 'a');
    made.service = "web";
    made.name = made.created_as = "p-web-1";
    made.number = 1;
    HostValues host;
    host.roots = {"/state", "/run"};
    host.cpus = 8;
    host.hostname = "machine";
    host.now = 1'000'000'000;
    host.version = "1.2.3";
    const ImageFacts image{"sha256:app", config, {"/layers/app"}};
    const std::string reference = "app", hash = "hash";
    return build_container({project, *project.find("web"), made, image, reference, hash, host}, around);
}

inline BuiltContainer build(const std::string& attributes, const std::string& rest = "",
                            const image::Config& config = {}) {
    FakeSurroundings around;
    return build(project_of(attributes, rest), around, config);
}

} // namespace davit::test
