// What a boot takes from a container that stays: its compiled steps fit the control groups of one boot, and its
// secrets that are no files stood in memory. Both are made again before its first start in the next one.
#pragma once

#include "davit/project.hpp"
#include "project/store.hpp"
#include "runtime/host_facts.hpp"
#include "runtime/spec.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace davit {

// How a service uses a secret that comes from an environment variable, by the project's stored model.
struct SecretUse {
    std::string service;
    std::string target; // in the container
    std::string name, variable;
    mode_t mode = 0444;
    uid_t uid = 0;
    gid_t gid = 0;
};
// model: as render() writes it in JSON. Nothing for a model that cannot be read.
std::vector<SecretUse> secret_uses(const std::string& model);

// The text of such a secret; empty: nobody has it any more.
using SecretText = std::function<std::optional<std::string>(const SecretUse& use)>;
// From the environment of a project whose files were just read; none: nobody has any.
SecretText secret_text(const Project* project);

class Restager {
public:
    Restager(const RecordStore& store, const std::string& project, SecretText text)
        : store_(store), project_(project), paths_(store.roots(), project), text_(std::move(text)) {}

    // Nothing for one that has begun in this boot already. Throws when it cannot start: what is missing, and what to
    // do. The caller holds the project's lock.
    void prepare(const ContainerRecord& record);

private:
    void secret(const ContainerRecord& record, const runtime::Mount& mount);

    const RecordStore& store_;
    std::string project_;
    ProjectPaths paths_;
    SecretText text_;
    std::optional<runtime::HostFacts> host_;
    std::optional<std::vector<SecretUse>> uses_;
};

} // namespace davit
