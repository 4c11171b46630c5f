// The three snippets of "Outgoing P2P Chat Conversation", verbatim. A line of "// ---" is between them.
    var id = content.querySelector('.id').value;
    var conversationsManager = application.conversationsManager;
    conversation = conversationsManager.getConversation(id);
    listeners.push(conversation.selfParticipant.chat.state.when('Connected', function () {
        // Connected to chat
    }));
    listeners.push(conversation.participants.added(function (person) {
        // person.displayName() has joined the conversation
    }));
    listeners.push(conversation.chatService.messages.added(function (item) {
        // logMessage(item)
    }));
    listeners.push(conversation.state.changed(function (newValue, reason, oldValue) {
        if (newValue === 'Disconnected' && (oldValue === 'Connected' || oldValue === 'Connecting')) {
            // conversation ended
        }
    }));
// ---
    var message = content.querySelector('.messageToSend');
    conversation.chatService.sendMessage(message.value).then(function () {
        // message send success
    }, function (error) {
        // handle error
    });
// ---
    conversation.leave().then(function () {
        // conversation ended
    }, function (error) {
        // handle error
    }).then(function () {
        // clean up operations
    });
