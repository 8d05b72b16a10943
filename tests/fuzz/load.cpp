// Compose projects of any bytes load or are refused with a davit::Error; what loads prints and loads again.
// The input is compose.yaml; a line "@@@ NAME" begins another file of the same directory. `override.yaml` is
// a second -f, `env` an --env-file, the rest is there for include, extends, env_file and label_file; `flags`
// is no file: see options().
#include "davit/load.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <unistd.h>

namespace {

constexpr std::string_view mark = "@@@ ";
using Files = std::map<std::string, std::string>;

bool usable(std::string_view name) {
    return !name.empty() && name.size() <= 16 && name != "." && name != ".." &&
           std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '.'; });
}

Files split_files(std::string_view text) {
    Files out;
    std::string* now = &out["compose.yaml"];
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        if (line.starts_with(mark) && usable(line.substr(mark.size())))
            now = &out[std::string(line.substr(mark.size()))];
        else now->append(line).append(text.empty() ? "" : "\n");
    }
    return out;
}

// A directory that lives as long as the process, with the files of the present input only.
class Directory {
public:
    Directory() : path_(std::filesystem::temp_directory_path() / ("davit-fuzz-" + std::to_string(getpid()))) {
        std::filesystem::create_directory(path_);
    }
    ~Directory() { std::filesystem::remove_all(path_); }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;

    void fill(const Files& files) {
        for (const auto& [name, text] : present_) std::filesystem::remove(path_ / name);
        present_ = files;
        for (const auto& [name, text] : files)
            std::ofstream(path_ / name, std::ios::binary).write(text.data(), static_cast<std::streamsize>(text.size()));
    }
    std::string path() const { return path_; }

private:
    std::filesystem::path path_;
    Files present_;
};

davit::LoadOptions options(const std::string& directory, std::string text) {
    davit::LoadOptions o;
    o.files = {"-"};
    o.stdin_text = std::move(text);
    o.current_dir = directory;
    o.project_name = "fuzz";
    o.environment = {{"A", "value"}, {"EMPTY", ""}};
    return o;
}

davit::LoadOptions options(const std::string& directory, const Files& files) {
    auto has = [&](const char* name) { return files.contains(name); };
    auto o = options(directory, files.at("compose.yaml"));
    if (has("override.yaml")) o.files.push_back("override.yaml");
    if (has("env")) o.env_files = {directory + "/env"};
    const std::string flags = has("flags") ? files.at("flags") : "";
    auto set = [&](char c) { return flags.find(c) != std::string::npos; };
    if (set('d')) o.files.clear(); // compose.yaml is discovered, with compose.override.yaml and .env
    if (set('p')) o.profiles = {"*"};
    if (set('q')) o.profiles = {"p"};
    if (set('s')) o.services = {"a*"};
    o.all_resources = set('a');
    o.compatibility = set('m');
    o.interpolate = !set('i');
    o.normalize = !set('n');
    o.resolve_paths = !set('r');
    o.resolve_environment = !set('e');
    o.check_consistency = !set('c');
    o.validate = !set('v');
    return o;
}

void check(const std::vector<davit::Diagnostic>& diagnostics, const Files& files) {
    for (const davit::Diagnostic& d : diagnostics) {
        davit::to_string(d);
        if (d.message.empty()) __builtin_trap();
        if (d.at.file != "-" && d.at.file != "<stdin>") continue;
        const std::string& text = files.at("compose.yaml");
        if (d.at.line > std::count(text.begin(), text.end(), '\n') + 2) __builtin_trap();
    }
}

// What docker compose, and so davit, prints in a way that cannot be read back: see tests/integration/round_trip.allow.
bool printed_badly(const davit::FileObject& config) {
    return config.file.empty() && config.environment.empty() && !config.external && config.content.value_or("").empty();
}

bool printed_badly(const davit::BuildConfig& build) {
    return std::any_of(build.ssh.begin(), build.ssh.end(),
                       [](const davit::SshKey& key) { return key.path.empty() && key.id != "default"; });
}

bool printed_badly(const davit::Service& s) {
    if (s.build && printed_badly(*s.build)) return true;
    auto no_command = [](const davit::ServiceHook& hook) { return !hook.command || hook.command->empty(); };
    auto port_zero = [](const davit::Port& port) { return port.target == 0; };
    auto twice = [](const auto& host) {
        return std::set<std::string>(host.second.begin(), host.second.end()).size() != host.second.size();
    };
    return std::any_of(s.extra_hosts.begin(), s.extra_hosts.end(), twice) || s.environment.contains("") ||
           s.labels.contains("") || std::any_of(s.ports.begin(), s.ports.end(), port_zero) ||
           std::any_of(s.post_start.begin(), s.post_start.end(), no_command) ||
           std::any_of(s.pre_stop.begin(), s.pre_stop.end(), no_command);
}

// A size below -1 is taken as a number, and printed as a text, which is not taken.
bool has_odd_size(std::string_view printed) {
    constexpr std::string_view begin = ": '-";
    for (std::size_t at = printed.find(begin); at != std::string_view::npos; at = printed.find(begin, at + 1))
        if (printed.substr(at + begin.size(), 2) != "1'") return true;
    return false;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Directory directory;
    const Files files = split_files({reinterpret_cast<const char*>(data), size});
    directory.fill(files);
    auto first = options(directory.path(), files);
    std::string printed;
    bool odd = false;
    try {
        if (first.files.empty()) davit::complete_from_environment(first);
        auto result = davit::load(first);
        check(result.warnings, files);
        check(davit::unacted_attributes(result), files);
        for (const auto& [name, service] : result.project.services) {
            if (davit::config_hash(service).size() != 64) __builtin_trap();
            odd = odd || printed_badly(service);
        }
        for (const auto& [name, config] : result.project.configs) odd = odd || printed_badly(config);
        davit::render(result.project, davit::RenderFormat::json);
        printed = davit::render(result.project, davit::RenderFormat::yaml);
    } catch (const davit::LoadError& e) {
        check(e.diagnostics(), files);
        return 0;
    } catch (const davit::Error&) {
        return 0;
    }
    if (odd || has_odd_size(printed) || !first.interpolate || !first.normalize || !first.resolve_paths ||
        !first.check_consistency || !first.validate)
        return 0;
    auto again = options(directory.path(), printed);
    again.profiles = {"*"};          // a service that is printed was enabled
    again.check_consistency = false; // a service it would rather have may have been disabled
    try {
        davit::load(again);
    } catch (const davit::Error& e) { // the printed project must load
        std::fprintf(stderr, "%s\nis refused: %s\n", printed.c_str(), e.describe().c_str());
        __builtin_trap();
    }
    return 0;
}
