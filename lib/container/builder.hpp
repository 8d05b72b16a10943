// The stages of build_container(); each in a file of its own.
#pragma once

#include "container/cdi.hpp"
#include "container/container.hpp"
#include "davit/error.hpp"

#include <map>
#include <string>
#include <vector>

namespace davit {

struct EcsTask;

class ContainerBuilder {
public:
    ContainerBuilder(const ContainerInput& input, Surroundings& around)
        : in_(input), service_(input.service), around_(around), paths_(input.host.roots, input.project.name),
          outside_(input.project.name == machine_project) {}
    BuiltContainer run();

private:
    // record.cpp
    void identity();
    void labels();
    void process();
    void behaviour();
    void logging();
    void check_log_mode(const std::map<std::string, std::string>& options);
    void check_log_values(const LogConfig& log);
    void hooks();
    // ecs.cpp
    void ecs_task();
    void ecs_group(const EcsTask& task);
    void ecs_restart();
    // network.cpp
    void network();
    void endpoints();
    void refuse_with_donor() const;
    void bridge_endpoint();
    void links(EndpointRecord& endpoint) const;
    void ports();
    void names();
    // namespaces.cpp
    void namespaces();
    void ipc(const std::string& mode);
    void pid(const std::string& mode);
    // security.cpp
    void security();
    void engine_features();
    void security_option(const std::string& option);
    void seccomp(const std::string& value);
    // devices.cpp
    void devices();
    void named_devices();
    void apply(const cdi::Edits& edits);
    // limits.cpp
    void limits();
    void memory();
    void cpu();
    void cpus();
    void blkio();
    void rlimits_and_sysctls();
    // mounts.cpp
    void mounts();
    void inherited_mounts();
    void mount(const Mount& mount);
    void bind_mount(const Mount& mount, const std::string& target);
    void volume_mount(const Mount& mount, const std::string& target);
    void named_volume(const VolumeRecord& volume, runtime::Mount m);
    void anonymous_volume(const std::string& target, bool read_only, bool nocopy, const Labels& labels);
    void tmpfs_mounts();
    void image_mount(const Mount& mount, const std::string& target);
    void image_volumes();
    void etc_files();
    void root();
    void add(runtime::Mount mount, MountRecord record);
    // request.cpp
    void request();
    // files.cpp
    void secrets();
    void configs();
    std::string inline_content(const FileObject& object, const char* kind) const;
    void file_mount(const FileReference& use, const FileObject& object, const std::string& target, const char* kind);
    void inline_file(const FileReference& use, const FileObject& object, const std::string& target, const char* kind);

    // What is wrong inside is at this part of the service ("ports[0]"), unless it says so itself.
    template <typename F>
    void about(const std::string& part, F&& fn) const {
        try {
            fn();
        } catch (Error& e) {
            if (e.at().file.empty()) put_at(e, part);
            throw;
        }
    }
    template <typename List, typename F>
    void about_each(const std::string& part, const List& list, F&& fn) const {
        for (std::size_t i = 0; i < list.size(); ++i) about(part + '[' + std::to_string(i) + ']', [&] { fn(list[i]); });
    }
    void put_at(Error& e, const std::string& part) const;

    // What Docker refuses only when the container starts.
    template <typename F>
    void at_start(const std::string& part, F&& fn) {
        try {
            about(part, fn);
        } catch (const Error& e) {
            if (out_.start_failure) return;
            out_.record.start_error = e.what();
            out_.start_failure = e;
        }
    }

    const ContainerInput& in_;
    const Service& service_;
    Surroundings& around_;
    ProjectPaths paths_;
    const bool outside_; // of compose: it has no service but in name, and is known by what it says itself
    BuiltContainer out_;
    std::map<std::string, runtime::Mount> mounts_;     // by target: the user's
    std::map<std::string, MountRecord> mount_records_; // those that inspect shows
    std::string files_of_;                             // id of the container whose /etc files are used
    std::string files_project_;                        // its project
};

// "0-2,5": the highest number; throws on anything else.
int highest_cpu(const std::string& text, const char* what = "cpus");
// `restart` and `deploy.restart_policy` as the record has them. Throws invalid_project as Docker does.
RestartRecord restart_record(const Service& service);

} // namespace davit
