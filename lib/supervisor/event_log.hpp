// What the supervisor tells of its containers, networks and volumes, in Docker's words, for the journals.
#pragma once

#include "davit/event.hpp"
#include "project/event_journal.hpp"
#include "project/record.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace davit::supervisor {

// Pure. record: of the container that the event is about; null: unknown. network: the record of a network by its name,
// null where there is none.
using NetworkOf = std::function<const NetworkRecord*(const std::string& name)>;
std::vector<JournalLine> journal_lines(const Event& event, const ContainerRecord* record, const NetworkOf& network);

// Pure. Of a container: with its labels, image and name.
JournalLine container_line(const ContainerRecord& record, std::int64_t time_ns, std::string action,
                           std::map<std::string, std::string> attributes);

class EventLog {
public:
    using Find = std::function<const ContainerRecord*(const std::string& id)>;

    EventLog(const Roots& roots, const std::string& project, Find find, NetworkOf network);
    // Of a container that is about to be no more: its last events come after it.
    void keep(const ContainerRecord& record) { leaving_.insert_or_assign(record.id, record); }
    void write(const Event& event);
    void write(const std::vector<JournalLine>& lines);

private:
    EventJournal containers_, objects_;
    Find find_;
    NetworkOf network_;
    std::map<std::string, ContainerRecord> leaving_;
};

} // namespace davit::supervisor
