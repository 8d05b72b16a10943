// The lines that are waited for: one follower of the project's logs, in a thread of its own.
#pragma once

#include "davit/logs.hpp"
#include "davit/wait.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace davit {

class LogWatch {
public:
    // found(i): a line that waits[i] waits for was written; called from the watch's thread. Throws usage for an
    // expression that is none. Waits that are not about lines are passed over.
    LogWatch(Engine& engine, std::string project, const std::vector<Wait>& waits,
             std::function<void(std::size_t)> found);
    ~LogWatch();
    // Whether the whole log has such a line: for one that has ended, and that the thread may be behind.
    bool written(std::size_t wait, const ContainerInfo& container) const;
    LogWatch(const LogWatch&) = delete;
    LogWatch& operator=(const LogWatch&) = delete;

private:
    class Expression;
    void follow(std::stop_token stop);
    void look(const ContainerInfo& container, const LogLine& line);

    Engine& engine_;
    std::string project_;
    std::function<void(std::size_t)> found_;
    std::multimap<std::string, std::pair<std::size_t, std::shared_ptr<Expression>>> expressions_; // by service
    std::map<std::string, std::string> pieces_; // of long lines, by container
    std::jthread thread_;
};

} // namespace davit
