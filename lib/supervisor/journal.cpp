#include "supervisor/journal.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"
#include "project/json_fields.hpp"

#include <fcntl.h>
#include <sstream>
#include <unistd.h>

namespace davit::supervisor {

std::optional<Journal::Found> Journal::read() const {
    auto text = read_file_if_exists(dir_ + "/plan.json");
    if (!text) return std::nullopt;
    try {
        auto value = json::Value::parse(*text);
        Found found;
        found.token = value.at("token").get<std::string>();
        found.plan = plan_from_json(value.at("plan").get<std::string>());
        std::istringstream lines(read_file_if_exists(dir_ + "/plan.done").value_or(""));
        for (int id; lines >> id;) found.done.insert(id);
        return found;
    } catch (const std::exception& e) {
        log::warning("the journal of an interrupted plan cannot be read: {}", e.what());
        return std::nullopt;
    }
}

void Journal::begin(const std::string& token, const Plan& plan) {
    ::unlink((dir_ + "/plan.done").c_str());
    json::Value value{{"token", token}, {"plan", to_json(plan)}};
    kept_ = false;
    try {
        write_file_atomic(dir_ + "/plan.json", json::dump(value), 0600, false);
        done_ = sys::open(dir_ + "/plan.done", O_WRONLY | O_CREAT | O_APPEND | O_TRUNC, 0600);
        kept_ = true;
    } catch (const Error& e) {
        give_up(e);
    }
}

void Journal::done(int operation) {
    if (!kept_) return;
    try {
        sys::write_all(done_.get(), std::to_string(operation) + "\n");
    } catch (const Error& e) {
        give_up(e);
    }
}

// Without a journal a plan still runs, and so does what frees the disk; only a supervisor that is killed now
// cannot go on with it. Half a journal would have operations done twice.
void Journal::give_up(const Error& why) {
    log::warning("the plan runs without its journal: {}", why.what());
    end();
}

void Journal::end() {
    kept_ = false;
    done_.reset();
    ::unlink((dir_ + "/plan.json").c_str());
    ::unlink((dir_ + "/plan.done").c_str());
}

} // namespace davit::supervisor
