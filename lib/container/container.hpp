// One service and a number become one container: its record, what it is to the kernel, and what has
// to lie on the disk before it can start. Nothing is written here; staging (staging.hpp) does that.
#pragma once

#include "container/cdi.hpp"
#include "davit/error.hpp"
#include "davit/image.hpp"
#include "davit/project.hpp"
#include "project/paths.hpp"
#include "project/record.hpp"
#include "reconcile/reconcile.hpp"
#include "runtime/spec.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace davit {

struct ImageFacts {
    std::string id;
    image::Config config;
    std::vector<std::string> layers; // absolute, topmost first
};

// Another container whose namespaces or mounts this one uses.
struct Donor {
    ContainerRecord record;
    std::vector<runtime::Mount> mounts;
};

// What a container may refer to beside its own service.
class Surroundings {
public:
    virtual ~Surroundings() = default;
    virtual Donor of_service(const std::string& service) = 0;                  // its first container
    virtual Donor by_name(const std::string& container) = 0;                   // name or id, of any project
    virtual std::vector<std::string> names_of(const std::string& service) = 0; // of its containers, for links
    virtual ImageFacts image(const std::string& reference) = 0;                // type: image mounts
    virtual VolumeRecord volume(const std::string& name) = 0;                  // existing ones, for their driver_opts
    virtual std::string read_file(const std::string& path) = 0;                // seccomp profiles
    virtual std::vector<runtime::Device> devices(const std::string& path) = 0; // as runtime::host_devices()
    virtual std::string new_volume_name() = 0;
    virtual std::vector<cdi::File> cdi_files() { return {}; } // of /etc/cdi and /var/run/cdi
};

struct HostValues {
    Roots roots;
    int cpus = 1;
    std::string hostname;
    std::int64_t now = 0; // ns since the epoch
    std::string version;  // of Compose, for the label
};

struct ContainerInput {
    const Project& project;
    const Service& service; // for `run` with what the command line says
    const NewContainer& container;
    const ImageFacts& image;
    const std::string& reference; // of the image, as the record shows it
    const std::string& config_hash;
    const HostValues& host;
};

struct BindSource {
    std::string path;
    bool create = false; // a directory, when it is missing; else its absence is an error
    std::string what;    // secret "s"; empty: a mount
    SourcePos at;        // where it is named
};

struct CopyUp { // a fresh volume takes what the image has there
    std::string path_in_image;
    std::string directory;
};

struct FileToWrite {
    std::string path; // absolute inside the container (files), or on the host (secrets)
    std::string content;
    mode_t mode = 0444;
    uid_t uid = 0;
    gid_t gid = 0;
};

struct BuiltContainer {
    ContainerRecord record;
    runtime::Spec spec;
    std::vector<VolumeRecord> volumes; // anonymous ones to make
    std::vector<CopyUp> copy_ups;
    std::vector<BindSource> bind_sources;
    std::vector<FileToWrite> files;   // into the container's own layer
    std::vector<FileToWrite> secrets; // in memory, bind-mounted
    std::string request;              // JSON: what inspect shows of Config and HostConfig as they were asked for
    std::vector<std::string> warnings;
    std::optional<Error> start_failure; // record.start_error, and where that comes from
};

// Throws invalid_project and unsupported for what Docker refuses when a container is created. What it
// refuses only at the start becomes record.start_error.
BuiltContainer build_container(const ContainerInput& input, Surroundings& surroundings);

// The configuration of a service's healthcheck over the image's; nothing: there is none.
std::optional<HealthcheckRecord> effective_healthcheck(const Service& service, const image::Config& image);
// What is executed: Docker's rules for entrypoint and command of image and service.
std::vector<std::string> effective_args(const Service& service, const image::Config& image);
// The service that a pre_start hook's own container runs: its volumes come from the replica it precedes.
Service pre_start_service(const Service& service, std::size_t hook);

} // namespace davit
