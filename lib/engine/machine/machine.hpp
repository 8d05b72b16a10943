// What the calls of davit/containers.hpp share: finding, locking and looking at single containers.
#pragma once

#include "davit/containers.hpp"
#include "engine/engine_impl.hpp"
#include "reconcile/observed.hpp"

#include <functional>
#include <stop_token>
#include <string>

namespace davit::machine {

using Impl = EngineAccess::Impl;

// One container is worked on by one command at a time; those on others go on. Held for as long as the object lives;
// the last holder leaves nothing behind.
class ContainerLock {
public:
    // Waits. Throws interrupted; unavailable when who holds it is stopped. what: for that text, "container web".
    ContainerLock(Impl& impl, const std::string& key, const std::string& what, std::stop_token stop);
    ContainerLock(const ContainerLock&) = delete;
    ContainerLock& operator=(const ContainerLock&) = delete;
    ~ContainerLock();

private:
    ProjectPaths paths_;
    std::string path_;
    FileLock lock_;
};

Error no_such_container(const std::string& reference);
// What it is now. Throws not_found.
ObservedContainer look_at(const Impl& impl, const std::string& project, const std::string& id);
// By name or id of any project, as find_container().
ObservedContainer find(const Impl& impl, const std::string& reference);

// An adjective and a noun, like "quiet_heron"; attempt: after some, a number follows.
std::string made_up_name(unsigned attempt);

// Plans on one container and has its supervisor carry that out, beside what else it does. An empty plan is done.
void act_on(Impl& impl, const ContainerInfo& container, const std::function<Plan(const ObservedContainer&)>& make,
            std::stop_token stop);

} // namespace davit::machine
