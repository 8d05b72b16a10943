// A project handed to an engine for more than one machine, or to systemd: the engine's own files, and a report that
// names every key of the project and what became of it. Pure: files are read only through the function given.
#pragma once

#include "davit/error.hpp"
#include "davit/project.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

enum class ExportTarget { swarm, systemd, kubernetes, ecs };
enum class EcsFormat { taskdef, cli, cloudformation, terraform };
enum class EcsLayout { service /* a task definition each */, task /* all containers in one task */ };

// What stands at a path that is bound in.
struct FileFacts {
    bool directory = false; // else a regular file
    std::uint32_t mode = 0644;
    std::uint64_t size = 0;
    std::string real;               // the path without symbolic links; empty: the one that was asked for
    std::vector<std::string> names; // of a directory: what is in it
};

struct ExportOptions {
    ExportTarget target = ExportTarget::swarm;
    EcsFormat format = EcsFormat::taskdef;
    EcsLayout layout = EcsLayout::service;
    bool with_vpc = false;         // cloudformation: also a template of a VPC
    std::string registry;          // where the images of services with `build` will be: "registry.example.com/team"
    std::string program = "davit"; // systemd: the program the units call, absolute
    // The content of a config's file or of a file that is bound in; nullopt when it is no readable file. Never called
    // for a secret but to name its version: no export holds the value of one.
    std::function<std::optional<std::string>(const std::string& path)> read_file;
    // nullopt: nothing, or neither a file nor a directory. Asked for the project's directory and what is bound in from
    // below it. Without this function all that read_file reads are files for everybody.
    std::function<std::optional<FileFacts>(const std::string& path)> look_at;
    // Of the hashes by which Swarm's secrets are named anew when their values change; asked for where there are such
    // secrets. Another key makes them anew, too. machine_hash_key() of revisions.hpp is the one of this machine.
    std::function<std::string()> version_key;
};

struct ExportedFile {
    std::string path; // relative to where the export goes
    std::string text;
    bool executable = false;
};

// What became of one key.
struct ExportFinding {
    enum class Kind { exact, adjusted, dropped, needs_input };
    Kind kind = Kind::exact;
    std::string path;     // services.web.ports[0].host_ip
    SourcePos at;         // of the service, network … it belongs to
    std::string from, to; // adjusted: what it was, what it has become
    std::string why;
    std::string hint; // what to do; needs_input: the key or flag that gives it
};

struct ExportedImage { // of a service that is built: it has to be pushed
    std::string service, reference;
};

struct ExportResult {
    std::vector<ExportedFile> files; // the first is the main one
    std::vector<ExportedImage> images;
    std::vector<std::string> workloads; // Kubernetes: "deployment/web", "job/migrate": what is to become ready
    std::vector<ExportFinding> findings;
};

// Throws Error(invalid_project) for what the engine would refuse whatever is dropped, Error(usage) for options that
// exclude each other.
ExportResult export_project(const Project& project, const ExportOptions& options);

// One line for each finding, what is exact only counted unless `all`; the last line counts.
std::string report_text(const ExportResult& result, bool all = false);
// {"findings": [{"path", "result", …}], "exact": 12, …}
std::string report_json(const ExportResult& result);
int count_findings(const ExportResult& result, ExportFinding::Kind kind);

} // namespace davit
#pragma GCC visibility pop
