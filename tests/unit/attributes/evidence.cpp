#include "tests/unit/attributes/evidence.hpp"

#include "base/error.hpp"
#include "container/container.hpp"
#include "davit/load.hpp"
#include "project/store.hpp"
#include "reconcile/default_bridge.hpp"
#include "runtime/oci/document.hpp"
#include "tests/support/temp_dir.hpp"

#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>

namespace davit::test {

namespace {

// Whatever a container may refer to is there.
class Everything final : public Surroundings {
public:
    Donor of_service(const std::string& service) override { return by_name("of-" + service); }
    Donor by_name(const std::string& container) override {
        Donor out;
        out.record.id = out.record.name = container;
        out.record.mounts.push_back({"volume", "theirs", "", "/theirs"});
        runtime::Mount m;
        m.source = "/theirs-of-" + container;
        m.destination = "/theirs";
        out.mounts.push_back(m);
        return out;
    }
    std::vector<std::string> names_of(const std::string& service) override { return {"named-" + service}; }
    ImageFacts image(const std::string& reference) override {
        return {"sha256:" + reference, {}, {"/layers/" + reference}};
    }
    VolumeRecord volume(const std::string& name) override {
        VolumeRecord out;
        out.name = name;
        return out;
    }
    std::string read_file(const std::string&) override { return "{}"; }
    std::vector<runtime::Device> devices(const std::string& path) override {
        if (path == "/dev/unheard-of") throw error(Errc::not_found, "no device {}", path);
        return {{path, 'c', 5, 5, 0600, 0, 0}};
    }
    std::string new_volume_name() override { return "anonymous"; }
};

// A directory with the files that the cells name.
LoadOptions options_in(const std::string& directory, const std::string& yaml) {
    const std::pair<const char*, const char*> files[] = {
        {"values.env", "FROM_FILE=${SET}\n"},
        {"labels.env", "from=label_file\n"},
        {"other.yaml", "services: {b: {image: of-other, hostname: from-other}}\n"},
        {"secret.txt", "s"},
    };
    for (const auto& [name, text] : files) std::ofstream(directory + "/" + name) << text;
    std::ofstream(directory + "/compose.yaml") << yaml;
    LoadOptions out;
    out.current_dir = directory;
    out.files = {"compose.yaml"};
    out.environment = {{"SET", "value-of-the-shell"}};
    return out;
}

// One line, and what is JSON inside of a text without its backslashes.
std::string compact(const std::string& json) {
    std::string out = nlohmann::json::parse(json).dump();
    std::erase(out, '\\');
    return out + '\n';
}

template <typename F>
std::string or_mistakes(F&& fn) {
    try {
        return fn();
    } catch (const LoadError& e) {
        return e.describe_all();
    } catch (const Error& e) {
        return e.describe();
    }
}

} // namespace

std::string whole_file(const std::string& cell) {
    std::string out = cell;
    for (std::size_t at; (at = out.find(" & ")) != std::string::npos;) out.replace(at, 3, "\n");
    if (out.find("services: {a:") != std::string::npos) return out + "\n";
    const std::size_t line = out.find('\n');
    const std::string service = out.substr(0, line);
    std::string rest = line == std::string::npos ? "" : out.substr(line + 1) + "\n";
    return fmt::format("services:\n  a: {{image: i{}{}}}\n{}", service.empty() ? "" : ", ", service, rest);
}

std::string container_of(const std::string& yaml) {
    TempDir directory;
    return or_mistakes([&] {
        Project project = load(options_in(directory.path(), yaml)).project;
        add_default_bridge(project);
        NewContainer wanted;
        wanted.id = std::string(64, 'c');
        wanted.name = wanted.created_as = "p-a-1";
        wanted.service = "a";
        ImageFacts image{"sha256:i", {}, {"/layers/i"}};
        image.config.cmd = {"program"};
        HostValues host;
        host.cpus = 64;
        const std::string reference = "i", hash = "h";
        Everything around;
        const Service& service = project.services.at("a");
        const BuiltContainer built = build_container({project, service, wanted, image, reference, hash, host}, around);
        std::string out = compact(to_json(built.record)) + compact(runtime::to_json(built.spec));
        for (const auto& v : built.volumes) out += to_json(v);
        for (const auto& c : built.copy_ups) out += fmt::format("\ncopy up {}", c.path_in_image);
        for (const auto& b : built.bind_sources) out += fmt::format("\nbind {} create {}", b.path, b.create);
        for (const auto* files : {&built.files, &built.secrets})
            for (const auto& f : *files)
                out +=
                    fmt::format("\nfile {} mode {:o} owner {}:{} content {}", f.path, f.mode, f.uid, f.gid, f.content);
        for (const auto& w : built.warnings) out += "\nwarning " + w;
        return out;
    });
}

std::string loaded(const std::string& yaml) {
    TempDir directory;
    return or_mistakes([&] {
        const LoadResult result = load(options_in(directory.path(), yaml));
        std::string out = render(result.project, RenderFormat::yaml);
        for (const auto& w : result.warnings) out += to_string(w) + "\n";
        return out;
    });
}

std::string without_effect(const std::string& yaml) {
    TempDir directory;
    std::string out;
    for (const auto& d : unacted_attributes(load(options_in(directory.path(), yaml))))
        out += fmt::format("{}: {}\n", d.path, d.message);
    return out;
}

} // namespace davit::test
