// What ECS's metadata endpoint (version 4) answers in a task: the documents of its containers, and the task's. Pure.
#pragma once

#include "project/record.hpp"

#include <string>
#include <vector>

namespace davit::supervisor::metadata {

struct Member {
    const ContainerRecord* record = nullptr; // of an ECS task
    const ContainerStatus* status = nullptr;
    std::string stats = {}; // JSON; only where uses_stats()
};

struct Answer {
    int status = 200;
    std::string body; // JSON, or why not
};

bool uses_stats(const std::string& path);
// path: "/v4/ID", "/v4/ID/task", "/v4/ID/stats", "/v4/ID/task/stats". members: the containers of the task, without the
// one that holds its network. addresses: of the network namespace that asks.
Answer answer(const std::string& path, const std::vector<Member>& members,
              const std::vector<EndpointStatus>& addresses);

} // namespace davit::supervisor::metadata
