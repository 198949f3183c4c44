//! lifecycle_msgs: where in its life a node is, and how it is asked to go on.
//!
//! What `ros2 lifecycle` and whoever starts several nodes in order speak.

message! {
    /// Where a node is.
    pub struct State: "lifecycle_msgs/msg/State" {
        /// One of the constants.
        pub id: u8,
        /// The same in a word.
        pub label: String,
    }
    consts {
        /// Nobody knows.
        const PRIMARY_STATE_UNKNOWN: u8 = 0;
        /// It has neither loaded nor subscribed to anything.
        const PRIMARY_STATE_UNCONFIGURED: u8 = 1;
        /// It has loaded and subscribed, and does nothing yet.
        const PRIMARY_STATE_INACTIVE: u8 = 2;
        /// It is at work.
        const PRIMARY_STATE_ACTIVE: u8 = 3;
        /// It ends.
        const PRIMARY_STATE_FINALIZED: u8 = 4;
        /// On the way from unconfigured to inactive.
        const TRANSITION_STATE_CONFIGURING: u8 = 10;
        /// On the way from inactive to unconfigured.
        const TRANSITION_STATE_CLEANINGUP: u8 = 11;
        /// On the way to the end.
        const TRANSITION_STATE_SHUTTINGDOWN: u8 = 12;
        /// On the way from inactive to active.
        const TRANSITION_STATE_ACTIVATING: u8 = 13;
        /// On the way from active to inactive.
        const TRANSITION_STATE_DEACTIVATING: u8 = 14;
        /// After an error.
        const TRANSITION_STATE_ERRORPROCESSING: u8 = 15;
    }
}

message! {
    /// A way from one state to another.
    pub struct Transition: "lifecycle_msgs/msg/Transition" {
        /// One of the constants.
        pub id: u8,
        /// The same in a word; whoever asks may leave the number out.
        pub label: String,
    }
    consts {
        /// To be made.
        const TRANSITION_CREATE: u8 = 0;
        /// To load and subscribe.
        const TRANSITION_CONFIGURE: u8 = 1;
        /// To forget what was loaded.
        const TRANSITION_CLEANUP: u8 = 2;
        /// To begin its work.
        const TRANSITION_ACTIVATE: u8 = 3;
        /// To pause its work.
        const TRANSITION_DEACTIVATE: u8 = 4;
        /// To end, from unconfigured.
        const TRANSITION_UNCONFIGURED_SHUTDOWN: u8 = 5;
        /// To end, from inactive.
        const TRANSITION_INACTIVE_SHUTDOWN: u8 = 6;
        /// To end, from active.
        const TRANSITION_ACTIVE_SHUTDOWN: u8 = 7;
        /// To be gone.
        const TRANSITION_DESTROY: u8 = 8;
        /// Configuring was done.
        const TRANSITION_ON_CONFIGURE_SUCCESS: u8 = 10;
        /// Configuring was refused.
        const TRANSITION_ON_CONFIGURE_FAILURE: u8 = 11;
        /// Configuring went wrong.
        const TRANSITION_ON_CONFIGURE_ERROR: u8 = 12;
        /// Cleaning up was done.
        const TRANSITION_ON_CLEANUP_SUCCESS: u8 = 20;
        /// Cleaning up was refused.
        const TRANSITION_ON_CLEANUP_FAILURE: u8 = 21;
        /// Cleaning up went wrong.
        const TRANSITION_ON_CLEANUP_ERROR: u8 = 22;
        /// Activating was done.
        const TRANSITION_ON_ACTIVATE_SUCCESS: u8 = 30;
        /// Activating was refused.
        const TRANSITION_ON_ACTIVATE_FAILURE: u8 = 31;
        /// Activating went wrong.
        const TRANSITION_ON_ACTIVATE_ERROR: u8 = 32;
        /// Deactivating was done.
        const TRANSITION_ON_DEACTIVATE_SUCCESS: u8 = 40;
        /// Deactivating was refused.
        const TRANSITION_ON_DEACTIVATE_FAILURE: u8 = 41;
        /// Deactivating went wrong.
        const TRANSITION_ON_DEACTIVATE_ERROR: u8 = 42;
        /// Shutting down was done.
        const TRANSITION_ON_SHUTDOWN_SUCCESS: u8 = 50;
        /// Shutting down was refused.
        const TRANSITION_ON_SHUTDOWN_FAILURE: u8 = 51;
        /// Shutting down went wrong.
        const TRANSITION_ON_SHUTDOWN_ERROR: u8 = 52;
        /// What an error asked for was done.
        const TRANSITION_ON_ERROR_SUCCESS: u8 = 60;
        /// What an error asked for was refused.
        const TRANSITION_ON_ERROR_FAILURE: u8 = 61;
        /// What an error asked for went wrong.
        const TRANSITION_ON_ERROR_ERROR: u8 = 62;
        /// It was done.
        const TRANSITION_CALLBACK_SUCCESS: u8 = 97;
        /// It was refused.
        const TRANSITION_CALLBACK_FAILURE: u8 = 98;
        /// It went wrong.
        const TRANSITION_CALLBACK_ERROR: u8 = 99;
    }
}

message! {
    /// A way from one state to another, and which these are.
    pub struct TransitionDescription: "lifecycle_msgs/msg/TransitionDescription" {
        /// The way.
        pub transition: Transition,
        /// From where.
        pub start_state: State,
        /// To where.
        pub goal_state: State,
    }
}

message! {
    /// A node went from one state to another.
    pub struct TransitionEvent: "lifecycle_msgs/msg/TransitionEvent" {
        /// When, in nanoseconds.
        pub timestamp: u64,
        /// On which way.
        pub transition: Transition,
        /// From where.
        pub start_state: State,
        /// To where.
        pub goal_state: State,
    }
}

service! {
    /// Has a node go on to another state.
    pub struct ChangeState: "lifecycle_msgs/srv/ChangeState";
    /// On which way.
    pub struct ChangeStateRequest {
        /// The way.
        pub transition: Transition,
    }
    /// Whether it went.
    pub struct ChangeStateResponse {
        /// Whether it went.
        pub success: bool,
    }
}

service! {
    /// Tells the state a node is in.
    pub struct GetState: "lifecycle_msgs/srv/GetState";
    /// Which is it?
    pub struct GetStateRequest {}
    /// The state.
    pub struct GetStateResponse {
        /// The state.
        pub current_state: State,
    }
}

service! {
    /// Tells the states there are.
    pub struct GetAvailableStates: "lifecycle_msgs/srv/GetAvailableStates";
    /// Which are there?
    pub struct GetAvailableStatesRequest {}
    /// The states.
    pub struct GetAvailableStatesResponse {
        /// Each once.
        pub available_states: Vec<State>,
    }
}

service! {
    /// Tells which ways there are, from here or from anywhere.
    pub struct GetAvailableTransitions: "lifecycle_msgs/srv/GetAvailableTransitions";
    /// Which are there?
    pub struct GetAvailableTransitionsRequest {}
    /// The ways.
    pub struct GetAvailableTransitionsResponse {
        /// Each once.
        pub available_transitions: Vec<TransitionDescription>,
    }
}
