#include "engine/waits/log_watch.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/thread.hpp"

#include <condition_variable>
#include <mutex>
#include <regex.h>
#include <utility>

namespace davit {

namespace {
constexpr std::size_t longest = 1 << 20; // of a line, that is looked at
}

// POSIX's, for std::regex recurses for each character of a line.
class LogWatch::Expression {
public:
    explicit Expression(const std::string& text) {
        const int wrong = ::regcomp(&compiled_, text.c_str(), REG_EXTENDED | REG_NOSUB);
        if (wrong == 0) return;
        char why[200];
        ::regerror(wrong, &compiled_, why, sizeof why);
        throw error(Errc::usage, "'{}' is not a regular expression: {}", text, why);
    }
    ~Expression() { ::regfree(&compiled_); }
    Expression(const Expression&) = delete;
    Expression& operator=(const Expression&) = delete;
    bool matches(const std::string& line) const { return ::regexec(&compiled_, line.c_str(), 0, nullptr, 0) == 0; }

private:
    regex_t compiled_{};
};

LogWatch::LogWatch(Engine& engine, std::string project, const std::vector<Wait>& waits,
                   std::function<void(std::size_t)> found)
    : engine_(engine), project_(std::move(project)), found_(std::move(found)) {
    for (std::size_t i = 0; i < waits.size(); ++i)
        if (waits[i].kind == Wait::Kind::log_line)
            expressions_.emplace(waits[i].service, std::pair{i, std::make_shared<Expression>(waits[i].text)});
    if (!expressions_.empty())
        thread_ = started<std::jthread>([this](std::stop_token stop) { follow(std::move(stop)); });
}

LogWatch::~LogWatch() = default;

void LogWatch::look(const ContainerInfo& container, const LogLine& line) {
    std::string& text = pieces_[container.id];
    if (line.first) text.clear();
    if (text.size() >= longest) return;
    text += line.text;
    // A prompt has no newline: what is there of a line is looked at as well.
    for (auto [it, end] = expressions_.equal_range(container.service); it != end; ++it)
        if (it->second.second->matches(text)) found_(it->second.first);
}

bool LogWatch::written(std::size_t wait, const ContainerInfo& container) const {
    for (auto [it, end] = expressions_.equal_range(container.service); it != end; ++it) {
        if (it->second.first != wait) continue;
        bool found = false;
        std::string text;
        read_log(container, {}, [&](const LogLine& line) {
            if (line.first) text.clear();
            if (text.size() >= longest) return true;
            text += line.text;
            found = it->second.second->matches(text);
            return !found;
        });
        return found;
    }
    return false;
}

// The follower ends when all containers have: others may come.
void LogWatch::follow(std::stop_token stop) {
    LogSink sink;
    sink.line = [this](const ContainerInfo& container, const LogLine& line) { look(container, line); };
    FollowOptions which;
    which.wanted = [this](const ContainerInfo& c) { return !c.oneoff && expressions_.count(c.service) != 0; };
    std::mutex mutex;
    std::condition_variable_any woken;
    while (!stop.stop_requested()) {
        try {
            LogFollower follower(engine_, project_, sink, which);
            follower.read_history();
            follower.run(stop, [] { return false; });
        } catch (const std::exception& e) { // one out of a thread would end the program
            log::debug("following the logs of project {}: {}", project_, e.what());
        }
        std::unique_lock guard(mutex);
        woken.wait_for(guard, stop, std::chrono::milliseconds(50), [] { return false; });
    }
}

} // namespace davit
