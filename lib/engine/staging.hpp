// Puts what build_container() made on the disk: staging/<id>/ with record, bundle and steps, the
// container's own layer, fresh volumes, secrets in memory. The supervisor takes staging/<id> over.
#pragma once

#include "container/container.hpp"
#include "project/store.hpp"
#include "runtime/steps.hpp"

#include <mutex>
#include <string>
#include <vector>

namespace davit {

// plan.bin, health.bin and those of hooks. Errors of compile() become the record's start_error.
void write_steps(BuiltContainer& container, const std::string& directory, const Roots& roots,
                 const runtime::HostFacts& host, std::vector<std::string>& warnings);

class Stager {
public:
    Stager(const RecordStore& store, std::string project) : store_(store), paths_(store.roots(), std::move(project)) {}
    Stager(const Stager&) = delete;
    Stager& operator=(const Stager&) = delete;
    // What no supervisor has taken over is removed again, with its fresh anonymous volumes.
    ~Stager();

    // On several processors. Errors of compile() become the record's start_error. Returns the warnings of each; the
    // first error is thrown when all that had begun has ended.
    std::vector<std::vector<std::string>> stage(std::vector<BuiltContainer>& containers);

private:
    std::vector<std::string> stage(BuiltContainer& container);
    void bind_sources(const BuiltContainer& container);
    void volumes(const BuiltContainer& container);
    void own_layer(const BuiltContainer& container, const std::string& directory);
    void check_working_dir(const BuiltContainer& container) const;
    void files(const BuiltContainer& container, const std::string& directory);
    void secrets(const BuiltContainer& container);

    struct Staged {
        std::string id;
        std::vector<std::string> volumes;
    };
    const RecordStore& store_;
    ProjectPaths paths_;
    runtime::HostFacts host_ = runtime::HostFacts::probe();
    std::mutex mutex_; // of staged_
    std::vector<Staged> staged_;
};

} // namespace davit
